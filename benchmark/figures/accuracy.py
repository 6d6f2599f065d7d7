"""Accuracy against the number of shots, a panel for each dataset and test set (the paper's Figure 3)."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.panels import LinePanel, Point, draw_lines, line_notes, panel_columns, ranks
from benchmark.figures.runs import labelled, over_seeds, plain_note, plain_runs
from benchmark.figures.style import styles
from benchmark.records import Record, tested_on
from benchmark.selection import Group

COMMAND = "sweep --methods standard,da_fusion,diagen --shots 2,4,8 --seeds 0,1,2"


def draw_accuracy(groups: Sequence[Group]) -> Drawing:
    """Mean accuracy and interval of every method; runs of ablations have their own figures.

    Raises:
        MissingRuns: no finished run has an accuracy on a test set.
    """
    panels = [
        LinePanel(f"{group_name(group, groups)} · {test}", (*group.key, test), lines)
        for group in groups
        for test in tested_on(plain_runs(group))
        if (lines := _lines(plain_runs(group), f"accuracy/{test}"))
    ]
    if not panels:
        raise MissingRuns("no finished run has an accuracy on a test set", COMMAND, groups)
    looks = styles({name for panel in panels for name in panel.lines})
    figure = draw_lines(panels, looks, "real images per class k", ranks)
    caption = "Mean per-class accuracy against the number of real images per class."
    return Drawing(
        figure, caption, panel_columns(panels), (*line_notes(panels), *plain_note(groups), *group_notes(groups))
    )


def _lines(records: Sequence[Record], metric: str) -> dict[str, list[Point]]:
    found = labelled(records)
    lines = {name: shots_line(found[name], metric) for name in styles(found)}
    return {name: line for name, line in lines.items() if line}


def shots_line(records: Sequence[Record], metric: str) -> list[Point]:
    """The metric of one method's records, at every number of shots for which it is known."""
    every = sorted({record.shots for record in records})
    estimates = [(k, over_seeds([record for record in records if record.shots == k], metric)) for k in every]
    return [Point(k, one) for k, one in estimates if one]
