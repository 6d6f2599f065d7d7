"""Accuracy against one hyper-parameter, all else equal (the paper's Figures 7 and 8, and others of that kind)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.panels import LinePanel, Point, draw_lines, line_notes, own_scale, panel_columns
from benchmark.figures.runs import over_seeds
from benchmark.figures.style import nth_style
from benchmark.records import Record, as_text, method_label, overrides, tested_on
from benchmark.selection import Group
from datasets.grouping import grouped

Family = tuple[str, int]
"""What runs that differ only in the hyper-parameter share: their label without it, and the number of shots."""


@dataclass(frozen=True)
class HyperParameter:
    """Accuracy against `<method>.<name>`, for every method that was run with several values of it.

    command: the command that makes such runs.
    """

    name: str
    axis: str
    command: str

    def __call__(self, groups: Sequence[Group]) -> Drawing:
        """A panel for each dataset and test set, a line for each method and number of shots.

        Raises:
            MissingRuns: nothing was run with two values of the hyper-parameter and all else equal.
        """
        panels = [panel for group in groups for panel in self._panels(group, group_name(group, groups))]
        if not panels:
            raise MissingRuns(f"no runs differ in {self.name} alone", self.command, groups)
        names = dict.fromkeys(name for panel in panels for name in panel.lines)
        looks = {name: nth_style(number) for number, name in enumerate(names)}
        figure = draw_lines(panels, looks, self.axis, own_scale)
        caption = f"Accuracy against {self.axis}, all else equal."
        return Drawing(figure, caption, panel_columns(panels), (*line_notes(panels), *group_notes(groups)))

    def _panels(self, group: Group, name: str) -> Iterator[LinePanel]:
        families = self._families(group.records)
        for test in tested_on(group.records):
            lines = {
                f"{label}, k = {shots}": line
                for (label, shots), records in families.items()
                if len(line := self._line(records, f"accuracy/{test}")) > 1
            }
            if lines:
                yield LinePanel(f"{name} · {test}", (*group.key, test), lines)

    def _families(self, records: Sequence[Record]) -> dict[Family, list[Record]]:
        own = [record for record in records if self._setting(record) in record.parameters]
        return dict(sorted(grouped(own, self._family).items()))

    def _setting(self, record: Record) -> str:
        return f"{record.tags['method']}.{self.name}"

    def _family(self, record: Record) -> Family:
        rest = {key: value for key, value in overrides(record.tags).items() if key != self._setting(record)}
        return method_label({**record.tags, "overrides": as_text(rest)}), record.shots

    def _line(self, records: Sequence[Record], metric: str) -> list[Point]:
        by_value = grouped(records, lambda record: record.parameters[self._setting(record)])
        estimates = [(_number(text), over_seeds(own, metric)) for text, own in by_value.items()]
        return sorted((Point(value, one) for value, one in estimates if one), key=lambda point: point.x)


def _number(text: str) -> float:
    """A setting as a number; for a list (the levels of noise), its largest number."""
    return max((float(part) for part in text.strip("[]() ").split(",") if part.strip()), default=0.0)


draw_strength = HyperParameter("strength", "strength (share of the noise schedule)", "ablation --what strength")
draw_guidance = HyperParameter("guidance_scale", "guidance scale", "ablation --what guidance")
draw_alpha = HyperParameter("synthetic_probability", "synthetic probability α", "ablation --what alpha")
draw_images_per_example = HyperParameter(
    "images_per_example", "synthetic images per real image", "ablation --what images_per_example"
)
draw_noise_scale = HyperParameter("noise_std", "largest deviation σ of the embedding noise", "ablation --what noise")
