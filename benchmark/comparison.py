"""Paired comparisons: which difference between two methods can be trusted, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.records import Record, method_label
from evaluation.intervals import Interval, mean_interval
from evaluation.significance import FEWEST_CELLS, PairedDifference, holm, paired_bootstrap, paired_t, wilcoxon

ALPHA = 0.05
Cell = tuple[int, int]
"""(shots, seed)"""


@dataclass(frozen=True)
class Comparison:
    """`first` against `second` by their accuracy on one test set, over the cells (shots, seed) that both finished.

    difference: mean of first minus second, in [−1, 1]; interval: 95%, by the paired t distribution over cells.
    test: `Wilcoxon` or `paired t`; p_cells: its p value after Holm's correction: would other shots and seeds agree?
    p_images: of the paired bootstrap over test images after Holm's correction: would other test images? None where no
        predictions were logged.
    """

    first: str
    second: str
    test_set: str
    cells: int
    difference: float = math.nan
    interval: Interval | None = None
    test: str = ""
    p_cells: float = math.nan
    p_images: float | None = None

    @property
    def significant(self) -> bool:
        """Whether the difference holds over cells: a method is only as good as it is on other images to learn from."""
        return self.p_cells < ALPHA

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not self.cells:
            return f"{self.first} and {self.second} have no finished cell in common on {self.test_set}"
        better, worse = (self.first, self.second) if self.difference >= 0 else (self.second, self.first)
        points, why = f"{100 * abs(self.difference):.1f} points", self._reasons()
        if self.significant:
            return f"{better} is better than {worse} on {self.test_set} by {points} ({why})"
        if self.cells == 1:
            return f"one cell cannot tell {self.first} and {self.second} apart on {self.test_set} ({points}; {why})"
        return f"no significant difference between {self.first} and {self.second} on {self.test_set} ({points}; {why})"

    def _reasons(self) -> str:
        cells = f"{self.cells} cell{'s' * (self.cells != 1)}"
        parts = [f"{cells}, {self.test} p {_shown(self.p_cells)}" if self.p_cells == self.p_cells else cells]
        if self.interval is not None:
            low, high = sorted(math.copysign(1, self.difference) * bound for bound in self.interval)
            parts.append(f"95% interval {100 * low:.1f} to {100 * high:.1f}")
        if self.p_images is not None:
            parts.append(f"over test images p {_shown(self.p_images)}")
        return "; ".join(parts)


def compare(records: Sequence[Record], test_set: str) -> list[Comparison]:
    """Every two methods among the records, paired by cell; p values are corrected for the number of pairs.

    The records are those of one `Group`: all on the same images. A record without the accuracy, or with NaN, does not
    count; a pair without a cell in common is said, too.

    Args:
        test_set: `test` or `uncommon`.
    """
    by_label: dict[str, dict[Cell, Record]] = {}
    for record in records:
        if math.isfinite(record.metrics.get(f"accuracy/{test_set}", math.nan)):
            by_label.setdefault(method_label(record.tags), {})[record.shots, record.seed] = record
    answers = _Answers(test_set)
    found = [_pair(*pair, by_label, answers) for pair in combinations(sorted(by_label), 2)]
    over_cells = holm([comparison.p_cells for comparison in found])
    over_images = holm([math.nan if c.p_images is None else c.p_images for c in found])
    return [
        replace(c, p_cells=p, p_images=None if c.p_images is None else q)
        for c, p, q in zip(found, over_cells, over_images, strict=True)
    ]


def _pair(first: str, second: str, by_label: Mapping[str, Mapping[Cell, Record]], answers: _Answers) -> Comparison:
    name = f"accuracy/{answers.test_set}"
    shared = sorted(by_label[first].keys() & by_label[second].keys())
    if not shared:
        return Comparison(first, second, answers.test_set, 0)
    pairs = [(by_label[first][cell], by_label[second][cell]) for cell in shared]
    differences = [one.metrics[name] - other.metrics[name] for one, other in pairs]
    exact = len(shared) >= FEWEST_CELLS
    images = _over_images(pairs, answers)
    return Comparison(
        first,
        second,
        answers.test_set,
        cells=len(shared),
        difference=float(np.mean(differences)),
        interval=mean_interval(differences),
        test="Wilcoxon" if exact else "paired t",
        p_cells=wilcoxon(differences) if exact else paired_t(differences),
        p_images=None if images is None else images.p,
    )


class _Answers:
    """Which test images each record's classifier recognised; every table is read once."""

    def __init__(self, test_set: str) -> None:
        self.test_set = test_set
        self._known: dict[int, dict[str, tuple[str, bool]] | None] = {}

    def of(self, record: Record) -> dict[str, tuple[str, bool]] | None:
        """Image → its class and whether it was recognised; None where no predictions were logged."""
        if id(record) not in self._known:
            self._known[id(record)] = self._read(record)
        return self._known[id(record)]

    def _read(self, record: Record) -> dict[str, tuple[str, bool]] | None:
        name = f"predictions_{self.test_set}"
        if name not in record.tables:
            return None
        table = record.tables[name]
        rows = zip(table["image"], table["label"], table["prediction"], strict=True)
        return {str(image): (str(label), label == prediction) for image, label, prediction in rows}


def _over_images(pairs: Sequence[tuple[Record, Record]], answers: _Answers) -> PairedDifference | None:
    """The paired bootstrap over all test images of the cells; None unless all cells have predictions of the same."""
    advantage: dict[str, list[float]] = {}
    classes: dict[str, str] = {}
    for one, other in pairs:
        mine, yours = answers.of(one), answers.of(other)
        if mine is None or yours is None or mine.keys() != yours.keys():
            return None
        for image, (label, right) in mine.items():
            classes[image] = label
            advantage.setdefault(image, []).append(float(right) - float(yours[image][1]))
    if not advantage:
        return None
    return paired_bootstrap(
        np.array([sum(values) for values in advantage.values()]),
        np.array([float(len(values)) for values in advantage.values()]),
        _numbered([classes[image] for image in advantage]),
    )


def _numbered(names: Sequence[str]) -> npt.NDArray[np.integer[Any]]:
    return np.unique(names, return_inverse=True)[1]


def _shown(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
