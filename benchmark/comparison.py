"""Paired comparisons: which difference between two methods can be trusted, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import mean

from benchmark.answers import Answers, side_by_side
from benchmark.records import Cell, Record, method_label
from datasets.plurals import counted
from evaluation.crossed_test import crossed_test
from evaluation.intervals import Interval
from evaluation.significance import FEWEST_CELLS, holm, wilcoxon

ALPHA = 0.05
P_VALUES = ("p", "p_images", "p_wilcoxon")


@dataclass(frozen=True)
class Comparison:
    """`first` against `second` by their accuracy on one test set, over the cells (shots, seed) that both finished.

    seeds: of these cells; left_out: cells that one alone has, or has with a value.
    difference: mean of first minus second in [−1, 1]: over each seed's shots, then over seeds.
    interval, p: 95%, and two-sided after Holm's correction, by the crossed test: would other training images and other
        test images agree? None and NaN where seeds cannot tell.
    p_images: of the paired bootstrap after Holm's correction: would other test images, with these classifiers? NaN
        where not all cells have predictions of the same images; `p` then leaves the choice of test images out.
    p_wilcoxon: of the signed-rank test over cells after Holm's correction; NaN for fewer than `FEWEST_CELLS`. It takes
        cells for independent, which those of one seed or with common test images are not: no verdict rests on it.
    """

    first: str
    second: str
    test_set: str
    cells: int
    seeds: int = 0
    left_out: int = 0
    difference: float = math.nan
    interval: Interval | None = None
    p: float = math.nan
    p_images: float = math.nan
    p_wilcoxon: float = math.nan

    @property
    def tested(self) -> bool:
        return not math.isnan(self.p)

    @property
    def significant(self) -> bool:
        return self.p < ALPHA

    @property
    def verdict(self) -> str:
        """One sentence."""
        both = f"{self.first} and {self.second}"
        if not self.cells:
            return f"{both} have no cell with a value in common on {self.test_set}"
        points, why = f"{100 * abs(self.difference):.1f} points", self._reasons()
        if self.significant:
            better, worse = (self.first, self.second) if self.difference >= 0 else (self.second, self.first)
            return f"{better} is better than {worse} on {self.test_set} by {points} ({why})"
        if not self.tested:
            return f"too few seeds to tell {both} apart on {self.test_set} ({points}; {why})"
        return f"no significant difference between {both} on {self.test_set} ({points}; {why})"

    def _reasons(self) -> str:
        parts = [f"{counted(self.cells, 'cell')} of {counted(self.seeds, 'seed')}"]
        if self.interval is not None:
            low, high = sorted(math.copysign(1, self.difference) * bound for bound in self.interval)
            parts.append(f"95% interval {100 * low:.1f} to {100 * high:.1f}")
        if self.tested:
            parts.append(f"p {_shown(self.p)} after Holm's correction")
        if math.isnan(self.p_images):
            parts.append("without the chance of test images: predictions are missing")
        else:
            parts.append(f"over test images alone p {_shown(self.p_images)}")
        if not math.isnan(self.p_wilcoxon):
            parts.append(f"Wilcoxon over cells p {_shown(self.p_wilcoxon)}")
        if self.left_out:
            parts.append(f"{counted(self.left_out, 'cell')} of one of the two left out")
        return "; ".join(parts)


def compare(records: Sequence[Record], test_set: str) -> list[Comparison]:
    """Every two methods among the records, paired by cell; p values are corrected for the number of pairs.

    The records are those of one `Group`: all on the same images. A pair without a value in common is said, too; where
    no record has the accuracy, there is nothing to compare.

    Args:
        test_set: `test` or `uncommon`.
    """
    by_label: dict[str, dict[Cell, Record]] = {}
    for record in records:
        by_label.setdefault(method_label(record.tags), {})[record.cell] = record
    answers = Answers(test_set)
    if not any(math.isfinite(answers.accuracy(record)) for record in records):
        return []
    found = [_pair(*pair, by_label, answers) for pair in combinations(sorted(by_label), 2)]
    corrected = [holm([getattr(comparison, name) for comparison in found]) for name in P_VALUES]
    return [replace(c, **dict(zip(P_VALUES, own, strict=True))) for c, *own in zip(found, *corrected, strict=True)]


def _pair(first: str, second: str, by_label: Mapping[str, Mapping[Cell, Record]], answers: Answers) -> Comparison:
    one, other = by_label[first], by_label[second]
    pairs = {cell: (one[cell], other[cell]) for cell in sorted(one.keys() & other.keys())}
    differences = {cell: answers.accuracy(a) - answers.accuracy(b) for cell, (a, b) in pairs.items()}
    differences = {cell: value for cell, value in differences.items() if math.isfinite(value)}
    left_out = len(one.keys() | other.keys()) - len(differences)
    if not differences:
        return Comparison(first, second, answers.test_set, 0, left_out=left_out)
    seeds = sorted({seed for _, seed in differences})
    of_seeds = [mean(value for (_, own), value in differences.items() if own == seed) for seed in seeds]
    images = side_by_side({cell: pairs[cell] for cell in differences}, answers)
    interval, p = crossed_test(of_seeds, images.covariance if images else 0.0)
    return Comparison(
        first,
        second,
        answers.test_set,
        cells=len(differences),
        seeds=len(seeds),
        left_out=left_out,
        difference=mean(of_seeds),
        interval=interval,
        p=p,
        p_images=images.p if images else math.nan,
        p_wilcoxon=wilcoxon(list(differences.values())) if len(differences) >= FEWEST_CELLS else math.nan,
    )


def _shown(p: float) -> str:
    """To three digits, and on the side of `ALPHA` on which it is."""
    text = f"{p:.3f}"
    return "< 0.001" if p < 0.001 else f"< {text}" if p < ALPHA <= float(text) else f"= {text}"
