"""Paired comparisons of methods: which differences are significant, and the sentences that say so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import mean

from benchmark.answers import Answers, side_by_side
from benchmark.records import Cell, Record, method_label
from datasets.grouping import grouped
from datasets.plurals import counted
from evaluation.crossed_test import crossed_test
from evaluation.intervals import Interval
from evaluation.significance import FEWEST_CELLS, holm, wilcoxon

ALPHA = 0.05
P_VALUES = ("p", "p_images", "p_wilcoxon")


@dataclass(frozen=True)
class Comparison:
    """`first` against `second`: their accuracy on one test set, over cells (shots, seed) that both finished.

    shots, seeds: the compared cells are all combinations of these (`_same_shots_of_every_seed`).
    left_out: number of cells not compared: a method has no accuracy there, or the combinations do not include it.
    difference: accuracy of first minus second, averaged over the cells, in [−1, 1].
    interval, p: 95% interval and two-sided p value after Holm's correction, by the crossed test: would the difference
        hold for other training images and other test images? None and NaN where the seeds do not suffice to tell.
    p_images: p value of the paired bootstrap after Holm's correction: would the difference hold for these classifiers
        on other test images? NaN unless both methods have predictions of the same images in every cell; `p` then
        ignores the choice of test images.
    p_wilcoxon: p value of the signed-rank test over cells after Holm's correction; NaN for fewer than `FEWEST_CELLS`.
        The test assumes independent cells, but cells that share a seed or test images are not: no verdict uses it.
    """

    first: str
    second: str
    test_set: str
    shots: tuple[int, ...] = ()
    seeds: int = 0
    left_out: int = 0
    difference: float = math.nan
    interval: Interval | None = None
    p: float = math.nan
    p_images: float = math.nan
    p_wilcoxon: float = math.nan

    @property
    def cells(self) -> int:
        return len(self.shots) * self.seeds

    @property
    def tested(self) -> bool:
        return not math.isnan(self.p)

    @property
    def significant(self) -> bool:
        return self.p < ALPHA

    @property
    def verdict(self) -> str:
        """The result of the comparison in one sentence."""
        both = f"{self.first} and {self.second}"
        if not self.cells:
            return f"{both} have no cell in common with an accuracy on {self.test_set}"
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
            parts.append("the choice of test images is left out, since predictions are missing")
        else:
            parts.append(f"p {_shown(self.p_images)} over test images alone")
        if not math.isnan(self.p_wilcoxon):
            parts.append(f"p {_shown(self.p_wilcoxon)} by Wilcoxon's test over cells")
        if self.left_out:
            compared = ", ".join(map(str, self.shots))
            parts.append(f"{counted(self.left_out, 'cell')} left out, so that both have every seed at k = {compared}")
        return "; ".join(parts)


def compare(records: Sequence[Record], test_set: str) -> list[Comparison]:
    """Compare every pair of methods among the records, cell by cell; p values are corrected for the number of pairs.

    The records must be those of one `Group`, that is, all on the same images. A pair of methods without a common cell
    is included, too. If no record has the accuracy, the list is empty.

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
    shots, seeds = _same_shots_of_every_seed([cell for cell, value in differences.items() if math.isfinite(value)])
    differences = {cell: value for cell, value in differences.items() if cell.shots in shots and cell.seed in seeds}
    left_out = len(one.keys() | other.keys()) - len(differences)
    if not differences:
        return Comparison(first, second, answers.test_set, left_out=left_out)
    of_seeds = [mean(value for (_, own), value in differences.items() if own == seed) for seed in seeds]
    images = side_by_side({cell: pairs[cell] for cell in differences}, answers)
    interval, p = crossed_test(of_seeds, images.covariance if images else 0.0)
    return Comparison(
        first,
        second,
        answers.test_set,
        shots=tuple(shots),
        seeds=len(seeds),
        left_out=left_out,
        difference=mean(of_seeds),
        interval=interval,
        p=p,
        p_images=images.p if images else math.nan,
        p_wilcoxon=wilcoxon(list(differences.values())) if len(differences) >= FEWEST_CELLS else math.nan,
    )


def _same_shots_of_every_seed(cells: Sequence[Cell]) -> tuple[list[int], list[int]]:
    """Shots and seeds all of whose combinations are among the cells.

    These are the shots that most seeds have, as many of them as give the most combinations. A difference depends on k:
    if each seed had different shots, the effect of k would be mistaken for variation between seeds.
    """
    by_shots = grouped(cells, lambda cell: cell.shots)
    ordered = sorted(by_shots, key=lambda shots: (-len(by_shots[shots]), shots))
    most: tuple[list[int], list[int]] = ([], [])
    for count in range(1, len(ordered) + 1):
        shots = ordered[:count]
        seeds = set.intersection(*({cell.seed for cell in by_shots[own]} for own in shots))
        if count * len(seeds) > len(most[0]) * len(most[1]):
            most = sorted(shots), sorted(seeds)
    return most


def _shown(p: float) -> str:
    """The p value to three decimals; rounding never moves it across `ALPHA`."""
    text = f"{p:.3f}"
    return "< 0.001" if p < 0.001 else f"< {text}" if p < ALPHA <= float(text) else f"= {text}"
