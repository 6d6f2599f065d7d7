"""Reliability diagrams of the guide classifier before and after temperature scaling (Guo et al. 2017, Figure 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.panels import axes_for
from benchmark.figures.style import nth_style, readable
from benchmark.records import CALIBRATION, Cell, Record, Table, columns
from benchmark.selection import Group
from evaluation.arrays import Doubles, Mask
from evaluation.calibration import BINS, bin_of, expected_calibration_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMMAND = "run --method diagen"
STATES = ("before", "after")
NAMES = (
    "dataset",
    "preset",
    "protocol",
    "shots",
    "state",
    "confidence",
    "accuracy",
    "images",
    "calibration_error",
    "seeds",
)

Row = tuple[float, float, int]
"""Mean confidence, accuracy and number of images of a bin."""


@dataclass(frozen=True)
class Diagram:
    """The bins for one dataset and number of shots, with the images of all seeds; `bins` and `errors` are by state."""

    title: str
    key: tuple[str, str, str, int]
    seeds: int
    bins: dict[str, list[Row]]
    errors: dict[str, float]


def draw_reliability(groups: Sequence[Group]) -> Drawing:
    """Accuracy against confidence on validation images, weighted as in the calibration.

    There is a panel for each dataset and number of shots.

    Raises:
        MissingRuns: no run has a table `calibration`.
    """
    diagrams = [diagram for group in groups for diagram in _diagrams(group, group_name(group, groups))]
    if not diagrams:
        raise MissingRuns("no run tracked the calibration of its guide classifier", COMMAND, groups)
    figure, axes = axes_for(len(diagrams), height=3.0)
    for diagram, ax in zip(diagrams, axes, strict=True):
        _draw(ax, diagram)
    rows = [
        (*diagram.key, state, *row, diagram.errors[state], diagram.seeds)
        for diagram in diagrams
        for state in STATES
        for row in diagram.bins[state]
    ]
    counts = sorted({diagram.seeds for diagram in diagrams})
    seeds = f"{' or '.join(map(str, counts))} seed{'s' * (counts != [1])}"
    notes = (
        f"Validation images of {seeds} in {BINS} bins of equal width; a larger spot stands for more images. All "
        "classes have the same weight. ECE: expected calibration error, mean over seeds. Below the diagonal the "
        "classifier is overconfident. The same images stop the training and are used to fit the temperature, so the "
        "calibration after scaling is in-sample.",
        *group_notes(groups),
    )
    caption = "Accuracy against confidence of the guide classifier before and after temperature scaling."
    return Drawing(figure, caption, columns(NAMES, rows), notes)


def _diagrams(group: Group, name: str) -> Iterator[Diagram]:
    by_cell: dict[Cell, Table] = {}
    for record in sorted(group.records, key=_whole_first):
        # One run per cell: runs that differ in other settings share the guide classifier.
        if record.tables.get(CALIBRATION, {}).get("correct"):
            by_cell.setdefault(record.cell, record.tables[CALIBRATION])
    for shots in sorted({shots for shots, _ in by_cell}):
        tables = [table for (own, _), table in by_cell.items() if own == shots]
        bins = {state: _bins(*_joined(tables, state)) for state in STATES}
        errors = {
            state: mean(expected_calibration_error(*_joined([table], state)) for table in tables) for state in STATES
        }
        key = (*group.key, shots)
        yield Diagram(f"{name} · k = {shots}", key, len(tables), bins, errors)


def _whole_first(record: Record) -> tuple[int, int]:
    return len(record.tags.get("overrides", "")), -len(record.tags.get("components", ""))


def _joined(tables: Sequence[Table], state: str) -> tuple[Doubles, Mask, Doubles]:
    """Confidences, correctness and weights of several tables; earlier tables without weights count images alike."""
    confidence = np.concatenate([np.asarray(table[f"confidence_{state}"], np.float64) for table in tables])
    correct = np.concatenate([np.asarray(table["correct"], bool) for table in tables])
    weights = np.concatenate([np.asarray(table.get("weight", [1] * len(table["correct"])), float) for table in tables])
    known = ~np.isnan(confidence)
    return confidence[known], correct[known], weights[known]


def _bins(confidence: Doubles, correct: Mask, weights: Doubles) -> list[Row]:
    """The bins that hold an image, by increasing confidence."""
    place = bin_of(confidence)
    masks = [place == number for number in range(BINS)]
    return [_row(confidence[m], correct[m], weights[m]) for m in masks if m.any()]


def _row(confidence: Doubles, correct: Mask, weights: Doubles) -> Row:
    sureness, accuracy = (float(np.average(values, weights=weights)) for values in (confidence, correct))
    return sureness, accuracy, len(correct)


def _draw(ax: Axes, diagram: Diagram) -> None:
    ax.plot([0, 1], [0, 1], color="0.4", lw=0.9)
    for number, state in enumerate(STATES):
        style: Any = nth_style(number)
        x, y, count = np.array(diagram.bins[state]).T
        label = f"{state}, ECE {100 * diagram.errors[state]:.1f}%"
        ax.plot(x, y, color=style.colour, ls=style.line, marker=style.marker, ms=4, label=label)
        ax.scatter(x, y, 900 * count / count.sum(), color=style.colour, marker=style.marker, alpha=0.3, lw=0)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1.0, handlelength=2.2)
    ax.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xlabel="confidence", ylabel="accuracy", aspect="equal")
    ax.set_title(readable(diagram.title))
