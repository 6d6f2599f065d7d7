"""Panels of lines with intervals, the form of every figure of accuracy against something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.figures.estimates import Estimate, seed_notes
from benchmark.figures.legend import legend_below
from benchmark.figures.style import WIDTH, Style, fitted, readable
from benchmark.records import Table, columns
from benchmark.short_labels import shared_note, short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PER_ROW = 2
Placed = Callable[[Sequence[float]], list[float]]
NAMES = ("dataset", "preset", "protocol", "test_set", "series", "x", "mean", "low", "high", "n")


@dataclass(frozen=True)
class Point:
    """One estimate (a share, or a difference of shares) at `x`."""

    x: float
    estimate: Estimate


@dataclass(frozen=True)
class LinePanel:
    """A panel's lines: series → points, in order of x.

    key: dataset, preset, protocol, test set.
    changed: the settings of DIAGen that differ from its preset's, in all lines.
    """

    title: str
    key: tuple[str, str, str, str]
    lines: Mapping[str, Sequence[Point]]
    changed: str = ""

    @property
    def as_label(self) -> str:
        return f"diagen {self.changed}" if self.changed else "diagen"

    @property
    def points(self) -> list[Point]:
        return [point for line in self.lines.values() for point in line]


def panel_columns(panels: Sequence[LinePanel]) -> Table:
    """The numbers of all panels, a row for each point."""
    rows = [
        (*panel.key, name, p.x, p.estimate.mean, p.estimate.low, p.estimate.high, p.estimate.n)
        for panel in panels
        for name, line in panel.lines.items()
        for p in line
    ]
    return columns(NAMES, rows)


def line_notes(panels: Sequence[LinePanel]) -> tuple[str, ...]:
    """Notes on the number of seeds, the meaning of hollow markers, and what the legend leaves out."""
    hollow = any(len({point.estimate.n for point in panel.points}) > 1 for panel in panels)
    note = ("Hollow: fewer seeds than other points of the panel.",) if hollow else ()
    names = shared_note(name for panel in panels for name in panel.lines)
    titles = shared_note(panel.as_label for panel in panels)
    return (*seed_notes(point.estimate for panel in panels for point in panel.points), *note, *names, *titles)


def titles(panels: Sequence[LinePanel]) -> list[str]:
    """Each panel's title and, on the line below, the settings in which it differs from the others."""
    short = short_labels(list(dict.fromkeys(panel.as_label for panel in panels)))
    cut = fitted([text.removeprefix("diagen").strip() for text in short.values()], 44)
    below = dict(zip(short, cut, strict=True))
    lines = [[*(readable(line) for line in panel.title.split("\n")), below[panel.as_label]] for panel in panels]
    return ["\n".join(own).rstrip() for own in lines]


def axes_for(count: int, height: float = 2.5) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, at most `PER_ROW` in a row."""
    across = min(count, PER_ROW)
    rows = -(-count // across)
    figure = Figure(figsize=(WIDTH if across > 1 else WIDTH * 0.68, height * rows), layout="constrained")
    engine: Any = figure.get_layout_engine()
    engine.set(w_pad=0.1, h_pad=0.06)
    axes = list(figure.subplots(rows, across, squeeze=False).flat)
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, axes[:count]


def ranks(values: Sequence[float]) -> list[float]:
    """Positions at equal distances, as for numbers of shots."""
    return [float(rank) for rank in range(len(values))]


def own_scale(values: Sequence[float]) -> list[float]:
    """Positions in proportion to the values."""
    return list(values)


def draw_lines(panels: Sequence[LinePanel], looks: Mapping[str, Style], x_label: str, placed: Placed) -> Figure:
    """The panels of accuracy, with one legend below; `placed` gives the positions of x: `ranks` or `own_scale`."""
    figure, axes = axes_for(len(panels))
    for panel, ax, title in zip(panels, axes, titles(panels), strict=True):
        _draw_panel(ax, panel, looks, placed)
        ax.set(xlabel=x_label, ylabel="accuracy, %")
        ax.set_title(title)
    shown = [name for name in looks if any(name in panel.lines for panel in panels)]
    handles = [Line2D([], [], color=s.colour, marker=s.marker, ls=s.line) for s in (looks[name] for name in shown)]
    legend_below(figure, handles, shown)
    return figure


def _draw_panel(ax: Axes, panel: LinePanel, looks: Mapping[str, Style], placed: Placed) -> None:
    values = sorted({point.x for point in panel.points})
    places = dict(zip(values, placed(values), strict=True))
    gap = min((places[b] - places[a] for a, b in pairwise(values)), default=1.0)
    most = max((point.estimate.n for point in panel.points), default=0)
    step = gap * min(0.08, 0.5 / max(1, len(panel.lines)))
    for number, (name, line) in enumerate(panel.lines.items()):
        shift = (number - (len(panel.lines) - 1) / 2) * step
        _draw_line(ax, [(places[p.x] + shift, p.estimate) for p in line], looks[name], most)
    ax.set_xticks([places[value] for value in values], [f"{value:g}" for value in values])
    if values:
        ax.set_xlim(places[values[0]] - gap / 2, places[values[-1]] + gap / 2)


def _draw_line(ax: Axes, points: Sequence[tuple[float, Estimate]], style: Style, most: int) -> None:
    ax.plot([x for x, _ in points], [100 * e.mean for _, e in points], color=style.colour, ls=style.line, zorder=2)
    for x, one in points:
        if one.has_interval:
            centre, reach = 50 * (one.low + one.high), 50 * (one.high - one.low)  # not the mean, if one end was cut
            ax.errorbar(x, centre, reach, fmt="none", color=style.colour, capsize=2.5, lw=1, zorder=1)
        inside = style.colour if one.n == most else "white"
        ax.plot(x, 100 * one.mean, style.marker, color=style.colour, markerfacecolor=inside, zorder=3)
