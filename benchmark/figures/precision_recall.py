"""Precision against recall of the synthetic images of all methods, with lines of equal F-score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.estimates import Estimate, estimate
from benchmark.figures.legend import legend_below
from benchmark.figures.panels import axes_for
from benchmark.figures.runs import labelled, plain_note, plain_runs
from benchmark.figures.style import Style, readable, styles
from benchmark.records import Record, columns
from benchmark.selection import Group
from benchmark.short_labels import shared_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMMAND = "sweep --methods da_fusion,diagen"
OVER = "class_mean"
NAMES = ("dataset", "preset", "protocol", "method", "shots", "precision", "precision_low", "precision_high",
         "recall", "recall_low", "recall_high", "n")  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """A method at one number of shots, with the (recall, precision) of every seed."""

    label: str
    shots: int
    precision: Estimate
    recall: Estimate
    seeds: list[tuple[float, float]]


@dataclass(frozen=True)
class SpotPanel:
    title: str
    key: tuple[str, str, str]
    spots: list[Spot]


def draw_precision_recall(groups: Sequence[Group]) -> Drawing:
    """A panel for each dataset: for each method and number of shots, the mean over seeds and every seed.

    Raises:
        MissingRuns: no run has both precision and recall.
    """
    panels = [
        SpotPanel(group_name(group, groups), group.key, spots)
        for group in groups
        if (spots := list(_spots(plain_runs(group))))
    ]
    if not panels:
        raise MissingRuns("no run has precision and recall of synthetic images", COMMAND, groups)
    looks = styles({spot.label for panel in panels for spot in panel.spots})
    figure, axes = axes_for(len(panels), height=3.2)
    for panel, ax in zip(panels, axes, strict=True):
        _draw(ax, panel, looks)
    handles = [Line2D([], [], color=s.colour, marker=s.marker, ls="", mec="0.15") for s in looks.values()]
    legend_below(figure, handles, list(looks))
    rows = [(*panel.key, *_row(spot)) for panel in panels for spot in panel.spots]
    notes = (
        "Large marks: mean over seeds, with its k; small: each seed; grey lines: equal F-score. Means over classes.",
        *shared_note(looks),
        *plain_note(groups),
        *group_notes(groups),
    )
    caption = "Precision against recall of the synthetic images, with lines of equal F-score."
    return Drawing(figure, caption, columns(NAMES, rows), notes)


def _spots(records: Sequence[Record]) -> Iterator[Spot]:
    found = labelled(records)
    for label in styles(found):
        for shots in sorted({record.shots for record in found[label]}):
            own = [record for record in found[label] if record.shots == shots]
            pairs = [(r.metrics.get(f"recall/{OVER}", np.nan), r.metrics.get(f"precision/{OVER}", np.nan)) for r in own]
            whole = [pair for pair in pairs if not np.isnan(pair).any()]
            recall, precision = estimate(r for r, _ in whole), estimate(p for _, p in whole)
            if recall and precision:
                yield Spot(label, shots, precision, recall, whole)


def _row(spot: Spot) -> tuple[object, ...]:
    p, r = spot.precision, spot.recall
    return spot.label, spot.shots, p.mean, p.low, p.high, r.mean, r.low, r.high, r.n


def _draw(ax: Axes, panel: SpotPanel, looks: Mapping[str, Style]) -> None:
    every = np.array([pair for spot in panel.spots for pair in spot.seeds])
    right, top = (float(min(105.0, max(2.0, 115 * limit))) for limit in every.max(axis=0))
    _draw_equal_f(ax, right, top)
    places = ((4, 4), (4, -11), (-10, 4), (-10, -11))
    for spot in panel.spots:
        style = looks[spot.label]
        x, y = 100 * np.array(spot.seeds).T
        ax.scatter(x, y, 12, color=style.colour, marker=style.marker, alpha=0.6, lw=0, zorder=2, clip_on=False)
        centre = (100 * spot.recall.mean, 100 * spot.precision.mean)
        ax.scatter(
            *centre, 46, color=style.colour, marker=style.marker, edgecolor="0.15", lw=0.7, zorder=3, clip_on=False
        )
        rank = [other.shots for other in panel.spots if other.label == spot.label].index(spot.shots)
        ax.annotate(str(spot.shots), centre, places[rank % 4], textcoords="offset points", fontsize=8, zorder=4)
    ax.grid(False)
    ax.set(xlim=(0, right), ylim=(0, top), xlabel="recall, %", ylabel="precision, %")
    ax.set_title(readable(panel.title))


def _draw_equal_f(ax: Axes, right: float, top: float) -> None:
    """Draw four lines of equal F = 2pr / (p + r), up to the F of the upper right corner, each labelled with its F."""
    corner = 2 * right * top / (right + top)
    for share in (0.2, 0.4, 0.6, 0.8):
        score = float(f"{share * corner:.2g}") if corner < 90 else 100 * share
        first = score * top / (2 * top - score)
        recall = score / 2 + np.geomspace(first - score / 2, right - score / 2, 300)
        precision = score * recall / (2 * recall - score)
        ax.plot(recall, precision, color="0.75", lw=0.8, zorder=1)
        ax.annotate(f"F = {score:g}", (right, precision[-1]), (3, 0), textcoords="offset points", va="center",
                    fontsize=8, color="0.4", annotation_clip=False)  # fmt: skip
