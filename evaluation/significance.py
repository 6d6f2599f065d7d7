"""Whether a difference is more than chance: paired tests, and their correction for many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.arrays import Doubles, Integers
from evaluation.intervals import RESAMPLES

FEWEST_CELLS = 6
"""The exact two-sided Wilcoxon test cannot fall below 0.05 with fewer."""


def paired_bootstrap(
    advantage: Doubles, times: Doubles, labels: Integers, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Two-sided p value of a difference in mean per-class accuracy on the same test images, by a bootstrap over images
    (Efron 1979).

    Several cells (shots, seeds) are judged on the same test images, so that their errors go together: an image is
    drawn with all of its cells, never one without the other. Images are drawn with replacement within their class, one
    fewer than there are, as in `bootstrap_interval`. p is the share of differences, shifted to mean 0, that are at
    least as large as the one found.

    Args:
        advantage: of each image, in how many cells the first is right and the second is not, minus the reverse, (N,).
        times: in how many cells each image occurs, (N,), at least 1; labels: its class, (N,).
    """
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    observed = float(np.mean([advantage[own].sum() / times[own].sum() for own in classes]))
    drawn = np.zeros(resamples)
    for own in classes:
        # Images of the same values are of one kind: how many of each kind are drawn is all that matters.
        kinds, sizes = np.unique(np.column_stack([advantage[own], times[own]]), axis=0, return_counts=True)
        counts = rng.multinomial(max(len(own) - 1, 1), sizes / len(own), size=resamples)
        drawn += (counts @ kinds[:, 0]) / (counts @ kinds[:, 1]) / len(classes)
    # Differences that equal the observed one but for rounding count as large.
    as_large = np.abs(drawn - observed) >= abs(observed) - 1e-12
    return float((as_large.sum() + 1) / (resamples + 1))


def wilcoxon(differences: Sequence[float]) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test on differences of cells; 1 where all are 0.

    Differences of 0 are left out, as Wilcoxon did, and equal sizes share their rank; both but for rounding. Exact up to
    50 of them, or 13 where two sizes are equal, and SciPy's normal approximation, with its correction, beyond. Below
    `FEWEST_CELLS` it cannot be under 0.05.
    """
    from scipy import stats

    values = np.round(np.asarray(differences, np.float64), 9)
    values = values[values != 0]
    return float(stats.wilcoxon(values, correction=True).pvalue) if len(values) else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number by Holm's step-down method (1979), in the given order; NaN does not count."""
    order = sorted((i for i, p in enumerate(p_values) if p == p), key=lambda i: p_values[i])
    adjusted, floor = list(p_values), 0.0
    for rank, i in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted


def mean_ranks(table: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Mean rank of each method over cells, 1 for the highest value, ties shared.

    `table` holds a value for every cell of every method, in the same order; without a cell there is no rank.
    """
    from scipy.stats import rankdata

    values = np.array(list(table.values()), dtype=np.float64)
    if values.size == 0:
        return {}
    ranks = rankdata(-values, axis=0).mean(axis=1)
    return {name: float(rank) for name, rank in zip(table, ranks, strict=True)}
