"""Paired significance tests, and their correction for multiple comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.arrays import Doubles, Integers
from evaluation.intervals import RESAMPLES

FEWEST_CELLS = 6
"""With fewer cells, the p value of the exact two-sided Wilcoxon test cannot fall below 0.05."""


def paired_bootstrap(
    advantage: Doubles, times: Doubles, labels: Integers, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Two-sided p value of a difference in mean per-class accuracy on the same test images, by a bootstrap over images
    (Efron 1979).

    Several cells (shots, seeds) are evaluated on the same test images, so their errors are correlated. An image is
    therefore always drawn with all of its cells. Images are drawn with replacement within their class, one fewer than
    the class has, as in `bootstrap_interval`. p is the share of resampled differences, shifted to mean 0, that are at
    least as large in absolute value as the observed one.

    Args:
        advantage: for each image, the number of cells in which only the first is right minus the number in which only
            the second is, (N,).
        times: the number of cells in which each image occurs, (N,), at least 1; labels: its class, (N,).
    """
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    observed = float(np.mean([advantage[own].sum() / times[own].sum() for own in classes]))
    drawn = np.zeros(resamples)
    for own in classes:
        # Images with equal values are interchangeable: only the number drawn of each kind matters.
        kinds, sizes = np.unique(np.column_stack([advantage[own], times[own]]), axis=0, return_counts=True)
        counts = rng.multinomial(max(len(own) - 1, 1), sizes / len(own), size=resamples)
        drawn += (counts @ kinds[:, 0]) / (counts @ kinds[:, 1]) / len(classes)
    # Differences that equal the observed one up to rounding count as at least as large.
    as_large = np.abs(drawn - observed) >= abs(observed) - 1e-12
    return float((as_large.sum() + 1) / (resamples + 1))


def wilcoxon(differences: Sequence[float]) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test on the differences of cells; 1 if all are 0.

    Differences of 0 are left out, as by Wilcoxon, and equal magnitudes share their rank; both are compared after
    rounding. The test is exact for up to 50 differences, or 13 if there are ties; beyond, it is SciPy's normal
    approximation with continuity correction. Below `FEWEST_CELLS` differences p cannot be under 0.05.
    """
    from scipy import stats

    values = np.round(np.asarray(differences, np.float64), 9)
    values = values[values != 0]
    return float(stats.wilcoxon(values, correction=True).pvalue) if len(values) else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted by Holm's step-down method (1979), in the given order; NaN is not counted and stays NaN."""
    order = sorted((i for i, p in enumerate(p_values) if p == p), key=lambda i: p_values[i])
    adjusted, floor = list(p_values), 0.0
    for rank, i in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted


def mean_ranks(table: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Mean rank of each method over cells; rank 1 is the highest value, and ties share the mean of their ranks.

    `table` holds each method's values, one per cell, with cells in the same order; without cells the result is empty.
    """
    from scipy.stats import rankdata

    values = np.array(list(table.values()), dtype=np.float64)
    if values.size == 0:
        return {}
    ranks = rankdata(-values, axis=0).mean(axis=1)
    return {name: float(rank) for name, rank in zip(table, ranks, strict=True)}
