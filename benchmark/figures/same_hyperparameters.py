"""DA-Fusion and DIAGen with the same hyper-parameters (the paper's Figure 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.figures.accuracy import shots_line
from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.panels import LinePanel, draw_lines, line_notes, panel_columns, ranks
from benchmark.figures.runs import common_overrides
from benchmark.figures.style import styles
from benchmark.records import Record, overrides, tested_on
from benchmark.selection import Group
from datasets.grouping import grouped
from methods.base import METHODS

COMMAND = "ablation --what same_hyperparameters"
SHARED = {"strength": "strength", "guidance_scale": "guidance", "synthetic_probability": "α"}
PAIR = ("da_fusion", "diagen")

Values = tuple[float, ...]
Way = tuple[Values, str]
"""Values of `SHARED`, and the other settings that were changed."""


def draw_same_hyperparameters(groups: Sequence[Group]) -> Drawing:
    """Accuracy of both methods against shots, with a panel for each dataset, test set and choice of `SHARED` values.

    Raises:
        MissingRuns: the two methods have no runs with the same values and the same other settings.
    """
    panels = [panel for group in groups for panel in _panels(group, group_name(group, groups))]
    if not panels:
        raise MissingRuns("DA-Fusion and DIAGen have no runs with the same hyper-parameters", COMMAND, groups)
    figure = draw_lines(panels, styles(PAIR), "real images per class k", ranks)
    caption = "Accuracy of DA-Fusion and DIAGen with the same strength, guidance scale and synthetic probability α."
    words = [_hyper_parameters(panel) for panel in panels for _ in panel.points]
    data = {**panel_columns(panels), "hyper_parameters": words}
    return Drawing(figure, caption, data, (*line_notes(panels), *group_notes(groups)))


def _hyper_parameters(panel: LinePanel) -> str:
    values = panel.title.split("\n")[1]
    return f"{values}, {panel.changed}" if panel.changed else values


def _panels(group: Group, name: str) -> Iterator[LinePanel]:
    for (values, changed), runs in _with_same_values(group.records):
        words = [f"{word} {value:g}" for word, value in zip(SHARED.values(), values, strict=True)]
        title = ", ".join(words)
        for test in tested_on([record for own in runs.values() for record in own]):
            lines = {method: shots_line(runs[method], f"accuracy/{test}") for method in PAIR}
            if all(lines.values()):
                key = (*group.key, test)
                yield LinePanel(f"{name} · {test}\n{title}", key, lines, changed)


def _with_same_values(records: Sequence[Record]) -> Iterator[tuple[Way, dict[str, list[Record]]]]:
    """Each choice of settings that DIAGen and DA-Fusion were both run with, and the runs of both."""
    base, method = PAIR
    of_base, own = (_by_way(records, name) for name in PAIR)
    for (values, changed), runs in own.items():
        partners = of_base.get((values, common_overrides(runs[0], base)))
        if partners:
            yield (values, changed), {base: partners, method: runs}


def _by_way(records: Sequence[Record], method: str) -> dict[Way, list[Record]]:
    own = [record for record in records if record.tags["method"] == method and _values(record)]
    return dict(sorted(grouped(own, lambda record: (_values(record), common_overrides(record, method))).items()))


def _values(record: Record) -> Values:
    """The run's values of `SHARED`; empty if it lacks a component or changes another hyper-parameter."""
    method = record.tags["method"]
    names = [f"{method}.{name}" for name in SHARED]
    whole = record.tags.get("components", "") == ",".join(METHODS[method].components)
    others = {name for name in overrides(record.tags) if name.startswith(f"{method}.")} - set(names)
    if not whole or others or any(name not in record.parameters for name in names):
        return ()
    return tuple(float(record.parameters[name]) for name in names)
