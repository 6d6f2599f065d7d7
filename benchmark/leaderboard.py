"""The leaderboard: methods compared on the same images, with ranks, intervals, costs and notes on what is missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from benchmark.comparison import Comparison, compare
from benchmark.ranks import TEST, UNCOMMON, complete_cells, ranking_metric, ranks_over_datasets
from benchmark.records import Record, Table, as_text, method_label, overrides
from benchmark.selection import NO_RUNS, Group, group_title
from datasets.errors import UserError
from datasets.plurals import counted
from evaluation.intervals import Interval, bootstrap_interval, mean_interval, share_interval
from evaluation.significance import mean_ranks

PRECISION, RECALL = "precision/class_mean", "recall/class_mean"
SPEED = "images_per_second"
TEST_SETS = {TEST: "test", UNCOMMON: "uncommon"}
SHOWN = (*TEST_SETS, PRECISION, RECALL)
SHARES = ("accuracy/", "precision/", "recall/", "coverage/", "near_copies/", "authenticity/")
"""Prefixes of the names of metrics that lie in [0, 1]; their intervals stay within [0, 1] as well."""


@dataclass(frozen=True)
class Score:
    """One metric of a method over its seeds.

    values: by seed, without seeds whose run lacks the metric or has a value that is not finite.
    mean: over the seeds in `values`.
    over_seeds: 95% interval of the mean by Student's t, within [0, 1] for `SHARES`; None for a single seed and for
        seeds with equal values.
    over_images: 95% interval over a seed's test images (`bootstrap_interval`), with each bound averaged over seeds;
        None for metrics other than `TEST_SETS` and where no predictions were logged.
    """

    values: Mapping[int, float]
    mean: float
    over_seeds: Interval | None
    over_images: Interval | None = None


@dataclass(frozen=True)
class Row:
    """One method on a board.

    method, components, overrides: as tagged on the runs; `label` combines them.
    seeds: those with a finished run; missing: those that another method or number of shots has and this row lacks.
    scores: by metric name, each with a value for at least one seed.
    rank: mean rank by `Board.ranked_by` over the cells (shots, seed) that all methods of the group finished; 1 is the
        best, ties share a rank; None if there is no such cell.
    seconds: total time of a run over all its stages, averaged over seeds. What was reused from the store costs nothing.
    images_per_second: speed of generation, averaged over the seeds that generated images.
    """

    label: str
    method: str
    components: str
    overrides: str
    seeds: tuple[int, ...]
    missing: tuple[int, ...]
    scores: Mapping[str, Score]
    rank: float | None
    seconds: float | None
    images_per_second: float | None


@dataclass(frozen=True)
class Board:
    """Methods at one number of shots on one dataset, preset and protocol, sorted by mean `ranked_by`, best first.

    ranked_cells: how many cells the mean ranks are based on.
    notes: sentences about what was left out and which values are missing.
    comparisons: every pair of methods on both test sets, over all shots; the same on each board of a group.
    over_datasets: sentences about mean ranks over the cells of several datasets; only on the last board.
    """

    dataset: str
    preset: str
    protocol: str
    shots: int
    ranked_by: str
    ranked_cells: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    over_datasets: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its group."""
        return self.dataset, self.preset, self.protocol

    @property
    def title(self) -> str:
        return f"{group_title(*self.key)} · {counted(self.shots, 'shot')}"


def leaderboard(groups: Sequence[Group]) -> list[Board]:
    """Build a board for each number of shots of each group.

    Every method of a group has a row on each of the group's boards and is expected to have every seed of the group, so
    a cell that no method finished is shown as missing.

    Raises:
        UserError: there is no group, that is, no finished run.
    """
    if not groups:
        raise UserError(NO_RUNS)
    boards = [board for group in groups for board in _boards(group)]
    boards[-1] = replace(boards[-1], over_datasets=tuple(ranks_over_datasets(groups)))
    return boards


def _boards(group: Group) -> list[Board]:
    records = [_finite(record) for record in group.records]
    ranked_by = ranking_metric(records)
    seeds = {record.seed for record in records}
    table = complete_cells(group.labels, records)
    ranks, ranked_cells = mean_ranks(table), min(map(len, table.values()))
    comparisons = tuple(
        comparison for test_set in TEST_SETS.values() for comparison in compare(group.records, test_set)
    )
    boards = []
    specifications = {method_label(record.tags): record.tags for record in records}
    for shots in sorted({record.shots for record in records}):
        rows = [
            _row(tags, [r for r in records if r.shots == shots and method_label(r.tags) == label], seeds, ranks)
            for label, tags in specifications.items()
        ]
        rows.sort(key=lambda row: (-row.scores[ranked_by].mean if ranked_by in row.scores else math.inf, row.label))
        own = [record for record in group.records if record.shots == shots]
        notes = (*group.notes, *_missing_values(rows, own), *_missing_artifacts(own))
        boards.append(Board(*group.key, shots, ranked_by, ranked_cells, tuple(rows), notes, comparisons))
    return boards


def _row(tags: Mapping[str, str], records: Sequence[Record], seeds: Iterable[int], ranks: Mapping[str, float]) -> Row:
    """The row of one method specification, whose runs have these `tags`, computed from its `records`."""
    label = method_label(tags)
    names = sorted({name for record in records for name in record.metrics})
    scores = {name: _score(name, [record for record in records if name in record.metrics]) for name in names}
    finished = {record.seed for record in records}
    seconds = [record.seconds for record in records if record.seconds is not None]
    return Row(
        label=label,
        method=tags["method"],
        components=tags.get("components", ""),
        overrides=as_text(overrides(tags)),
        seeds=tuple(sorted(finished)),
        missing=tuple(sorted(set(seeds) - finished)),
        scores=scores,
        rank=ranks.get(label),
        seconds=mean(seconds) if seconds else None,
        images_per_second=scores[SPEED].mean if SPEED in scores else None,
    )


def _score(name: str, records: Sequence[Record]) -> Score:
    values = {record.seed: record.metrics[name] for record in sorted(records, key=lambda record: record.seed)}
    over_images = _over_images(records, TEST_SETS[name]) if name in TEST_SETS else None
    interval = share_interval if name.startswith(SHARES) else mean_interval
    return Score(values, mean(values.values()), interval(list(values.values())), over_images)


def _over_images(records: Sequence[Record], test_set: str) -> Interval | None:
    """The interval whose bounds are the means of the seeds' lower and upper bounds."""
    tables = [record.tables.get(f"predictions_{test_set}") for record in records]
    found = [interval for table in tables if table and (interval := _of_one_seed(table))]
    return (mean(low for low, _ in found), mean(high for _, high in found)) if found else None


def _of_one_seed(table: Table) -> Interval | None:
    labels, predictions = np.array(table["label"], dtype=str), np.array(table["prediction"], dtype=str)
    return bootstrap_interval(labels == predictions, np.unique(labels, return_inverse=True)[1])


def _finite(record: Record) -> Record:
    return replace(record, metrics={name: value for name, value in record.metrics.items() if math.isfinite(value)})


def _missing_values(rows: Sequence[Row], records: Sequence[Record]) -> list[str]:
    """Notes on values that are not finite and on finished runs that lack a metric which other runs of the row have.

    An accuracy is expected of every row if any row has it. Other metrics are not, since a method without synthetic
    images has, for instance, no precision.
    """
    odd = {
        (method_label(record.tags), record.seed, name): value
        for record in records
        for name, value in sorted(record.metrics.items())
        if not math.isfinite(value)
    }
    notes = [
        f"{label}, {seeds_in_words([seed])}: {name} is {value}, counted as missing"
        for (label, seed, name), value in odd.items()
    ]
    accuracies = {name for row in rows for name in row.scores if name in TEST_SETS}
    for row in rows:
        for name in (name for name in SHOWN if name in accuracies | set(row.scores)):
            values = row.scores[name].values if name in row.scores else {}
            lacking = [seed for seed in row.seeds if seed not in values and (row.label, seed, name) not in odd]
            notes += [f"{row.label}, {seeds_in_words(lacking)}: no {name}"] if lacking else []
    return notes


def _missing_artifacts(records: Sequence[Record]) -> list[str]:
    """A note on runs whose artifact folder is gone: MLflow does not report it, but every finished run logged tables."""
    count = sum(not record.tables for record in records)
    runs = counted(count, "run")
    return (
        [f"{runs} without predictions and images: the artifacts are not where MLflow looks for them"] if count else []
    )


def seeds_in_words(seeds: Sequence[int]) -> str:
    """The seeds as text: `seed 0`, `seeds 0, 2`."""
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
