"""How the weights of the synthetic images are distributed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib.lines import Line2D

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.legend import legend_below
from benchmark.figures.panels import axes_for
from benchmark.figures.runs import labelled, plain_note, plain_runs
from benchmark.figures.style import readable, styles
from benchmark.records import PLAN, Record, columns
from benchmark.selection import Group
from benchmark.short_labels import shared_note
from evaluation.arrays import Doubles

COMMAND = "run --method diagen"
BINS = 20
NAMES = ("dataset", "preset", "protocol", "shots", "method", "from", "to", "images", "share")


@dataclass(frozen=True)
class WeightPanel:
    """The weights at one dataset and number of shots: method label → weights of its images, for all seeds together."""

    title: str
    key: tuple[str, str, str, int]
    weights: Mapping[str, Doubles]


def draw_weights(groups: Sequence[Group]) -> Drawing:
    """A panel for each dataset and number of shots, with a histogram for each method that weights its images.

    Raises:
        MissingRuns: no run gave its images different weights.
    """
    panels = [panel for group in groups for panel in _panels(group, group_name(group, groups))]
    if not panels:
        raise MissingRuns("no run has images of different weights", COMMAND, groups)
    edges = np.linspace(0, max(1.0, *(float(own.max()) for p in panels for own in p.weights.values())), BINS + 1)
    looks = styles({name for panel in panels for name in panel.weights})
    figure, axes = axes_for(len(panels))
    for panel, ax in zip(panels, axes, strict=True):
        for name, own in panel.weights.items():
            line = {"color": looks[name].colour, "linestyle": looks[name].line}
            sns.histplot(x=own, bins=list(edges), stat="percent", element="step", fill=False, ax=ax, **line)
        ax.set(title=readable(panel.title), xlabel="weight", ylabel="images, %", xlim=(0, edges[-1]))
        ax.set_ylim(bottom=0)
    legend_below(figure, [Line2D([], [], color=s.colour, ls=s.line) for s in looks.values()], list(looks))
    caption = "Distribution of the weights of the synthetic images."
    rows = [row for panel in panels for row in _rows(panel, edges)]
    notes = ("Images of all seeds together.", *shared_note(looks), *plain_note(groups), *group_notes(groups))
    return Drawing(figure, caption, columns(NAMES, rows), notes)


def _panels(group: Group, name: str) -> Iterator[WeightPanel]:
    runs = plain_runs(group)
    for shots in sorted({record.shots for record in runs}):
        found = labelled([record for record in runs if record.shots == shots])
        weights = {label: _weights(found[label]) for label in styles(found)}
        different = {label: own for label, own in weights.items() if len(set(own)) > 1}
        if different:
            yield WeightPanel(f"{name} · k = {shots}", (*group.key, shots), different)


def _weights(records: Sequence[Record]) -> Doubles:
    given = [weight for record in records for weight in record.tables.get(PLAN, {}).get("weight", ())]
    weights = np.array([np.nan if weight is None else weight for weight in given], np.float64)
    return weights[np.isfinite(weights)]


def _rows(panel: WeightPanel, edges: Doubles) -> list[tuple[object, ...]]:
    return [
        (*panel.key, name, float(low), float(high), int(count), float(count / len(own)))
        for name, own in panel.weights.items()
        for low, high, count in zip(edges[:-1], edges[1:], np.histogram(own, edges)[0], strict=True)
    ]
