"""Mean ranks of methods over the cells of one dataset, or of several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

from benchmark.records import Cell, Record, method_label
from benchmark.selection import Group
from datasets.plurals import counted
from evaluation.significance import mean_ranks

TEST, UNCOMMON = "accuracy/test", "accuracy/uncommon"


def ranking_metric(records: Sequence[Record]) -> str:
    """The metric to rank by: accuracy on uncommon settings if the dataset has them, otherwise on its test set."""
    return UNCOMMON if any(UNCOMMON in record.metrics for record in records) else TEST


def complete_cells(labels: Sequence[str], records: Sequence[Record]) -> dict[str, list[float]]:
    """Each label's values of the ranking metric, in the cells (shots, seed) where all of the labels have one."""
    metric = ranking_metric(records)
    cells: dict[Cell, dict[str, float]] = {}
    for record in records:
        value = record.metrics.get(metric, math.nan)
        if method_label(record.tags) in labels and math.isfinite(value):
            # Means over classes that differ only in the last bit are a tie.
            cells.setdefault(record.cell, {})[method_label(record.tags)] = round(value, 9)
    complete = [own for own in cells.values() if len(own) == len(labels)]
    return {label: [own[label] for own in complete] for label in labels}


def ranks_over_datasets(groups: Sequence[Group]) -> list[str]:
    """For each preset and protocol with runs on several datasets, a line with mean ranks.

    It ranks the methods that all of these datasets have, over the cells (dataset, shots, seed) that all of them
    finished.
    """
    lines = []
    ordered = sorted(groups, key=_followed)
    for followed, of_these in groupby(ordered, key=_followed):
        own = list(of_these)
        labels = sorted(set.intersection(*(set(group.labels) for group in own)))
        if len(own) > 1 and len(labels) > 1:
            lines += _line(followed, own, labels)
    return lines


def _line(followed: tuple[str, str], groups: Sequence[Group], labels: Sequence[str]) -> list[str]:
    tables = [complete_cells(labels, group.records) for group in groups]
    joined: Mapping[str, list[float]] = {label: [v for table in tables for v in table[label]] for label in labels}
    ranks = mean_ranks(joined)
    if not ranks:
        return []
    told = ", ".join(
        f"{label} {rank:.2f}" for label, rank in sorted(ranks.items(), key=lambda item: (item[1], item[0]))
    )
    cells = counted(len(joined[labels[0]]), "cell")
    names = ", ".join(group.dataset for group in groups)
    return [f"preset {followed[0]} · protocol {followed[1]}: mean rank over {cells} of {names}: {told}"]


def _followed(group: Group) -> tuple[str, str]:
    return group.preset, group.protocol
