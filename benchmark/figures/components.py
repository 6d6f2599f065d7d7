"""What each component of DIAGen adds to DA-Fusion (the paper's Figure 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.estimates import Estimate, estimate, seed_notes
from benchmark.figures.legend import legend_below
from benchmark.figures.panels import LinePanel, Point, axes_for, panel_columns, titles
from benchmark.figures.runs import common_overrides
from benchmark.figures.style import Style, nth_style
from benchmark.records import Cell, Record, as_text, overrides, tested_on
from benchmark.run_command import command_for
from benchmark.selection import Group
from benchmark.short_labels import shared_note
from datasets.grouping import grouped
from evaluation.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMMAND = "ablation --what components"
COMPONENTS = {
    "noise": "noise only",
    "prompts": "prompts only",
    "noise,prompts": "noise + prompts",
    "noise,prompts,weights": "all three",
}
BASE = "da_fusion"


def draw_components(groups: Sequence[Group]) -> Drawing:
    """Accuracy minus that of DA-Fusion on the same dataset, shots and seed: the mean over seeds and its interval.

    Raises:
        MissingRuns: no run with only some of the components has a run of DA-Fusion to compare with.
    """
    panels = [panel for group in groups for panel in _panels(group, group_name(group, groups))]
    if not panels:
        raise MissingRuns(
            "no run of DIAGen with only some components has a run of DA-Fusion to compare with", COMMAND, groups
        )
    figure, axes = axes_for(len(panels))
    looks = {name: nth_style(number) for number, name in enumerate(COMPONENTS.values())}
    for panel, ax, title in zip(panels, axes, titles(panels), strict=True):
        _draw_bars(ax, panel, looks)
        ax.set_title(title)
    legend_below(figure, [Patch(fc=s.colour, hatch=s.hatch, ec="0.2", lw=0.6) for s in looks.values()], list(looks))
    notes = (*seed_notes(point.estimate for panel in panels for point in panel.points), *_missing(panels, groups))
    notes += shared_note(panel.as_label for panel in panels)
    caption = "What DIAGen's components gain in accuracy over DA-Fusion, paired by seed."
    return Drawing(figure, caption, panel_columns(panels), (*notes, *group_notes(groups)))


def _panels(group: Group, name: str) -> Iterator[LinePanel]:
    """A panel for each test set and each choice of DIAGen's settings that was run with only some of its components."""
    for changed, records in _with_equal_overrides(group.records).items():
        base = _base(group.records, common_overrides(records[0], BASE))
        for test in tested_on(records):
            lines = _gains(records, base, f"accuracy/{test}")
            if set(lines) - {"all three"}:
                yield LinePanel(f"{name} · {test}", (*group.key, test), lines, changed)


def _with_equal_overrides(records: Sequence[Record]) -> dict[str, list[Record]]:
    own = [record for record in records if record.tags["method"] == "diagen"]
    return dict(sorted(grouped(own, _overrides).items()))


def _base(records: Sequence[Record], changed: str) -> list[Record]:
    """DA-Fusion's runs with these settings and its preset's hyper-parameters, or else with the only ones it has."""
    own = [record for record in records if record.tags["method"] == BASE and common_overrides(record, BASE) == changed]
    found = grouped(own, _overrides)
    return found.get(changed) or (next(iter(found.values())) if len(found) == 1 else [])


def _overrides(record: Record) -> str:
    return as_text(overrides(record.tags))


def _gains(records: Sequence[Record], base_records: Sequence[Record], metric: str) -> dict[str, list[Point]]:
    base = {r.cell: r.metrics.get(metric, float("nan")) for r in base_records}
    lines: dict[str, list[Point]] = {}
    for components, name in COMPONENTS.items():
        own = [record for record in records if record.tags.get("components") == components]
        line = [Point(k, gain) for k in sorted({r.shots for r in own}) if (gain := _gain(own, k, base, metric))]
        if line:
            lines[name] = line
    return lines


def _gain(records: Sequence[Record], shots: int, base: Mapping[Cell, float], metric: str) -> Estimate | None:
    """The estimate from the differences at the seeds that both methods have."""
    nan = float("nan")
    own = [record for record in records if record.shots == shots]
    gains = (record.metrics.get(metric, nan) - base.get(record.cell, nan) for record in own)
    return estimate(gains, mean_interval)


def _draw_bars(ax: Axes, panel: LinePanel, looks: Mapping[str, Style]) -> None:
    shots = sorted({point.x for point in panel.points})
    width = 0.8 / len(looks)
    for number, (name, style) in enumerate(looks.items()):
        for point in panel.lines.get(name, ()):
            place = shots.index(point.x) + (number - (len(looks) - 1) / 2) * width
            one = point.estimate
            reach = [100 * (one.high - one.mean)] if one.has_interval else None
            ax.bar(
                place, 100 * one.mean, width * 0.92, yerr=reach, color=style.colour, hatch=style.hatch,
                edgecolor="0.2", linewidth=0.6, error_kw={"elinewidth": 1, "capsize": 2.5, "ecolor": "0.1"},
            )  # fmt: skip
    ax.axhline(0, color="0.2", lw=0.9)
    ax.grid(False, axis="x")
    ax.set_xticks(range(len(shots)), [f"{k:g}" for k in shots])
    ax.set_xlabel("real images per class k")
    ax.set_ylabel("gain over DA-Fusion, points")


def _missing(panels: Sequence[LinePanel], groups: Sequence[Group]) -> tuple[str, ...]:
    """A note on the bars that are missing and the command that makes them."""
    gaps: set[str] = set()
    lacking: list[Group] = []
    for group in groups:
        own = [panel for panel in panels if panel.key[:3] == group.key]
        found = {gap for panel in own for gap in _gaps(panel)}
        gaps |= found
        lacking += [group] if found else []
    return (f"Missing: {', '.join(sorted(gaps))}; `{command_for(lacking, COMMAND)}` runs them.",) if gaps else ()


def _gaps(panel: LinePanel) -> set[str]:
    return {
        f"{name} at k = {k:g}"
        for k in {point.x for point in panel.points}
        for name in COMPONENTS.values()
        if k not in {point.x for point in panel.lines.get(name, ())}
    }
