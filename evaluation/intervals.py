"""Confidence intervals of means, over seeds and over test images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.arrays import Doubles, Integers, Mask

LEVEL = 0.95
"""Confidence level of the intervals."""
RESAMPLES = 2000
ROUNDING = 1e-9
"""Largest difference that rounding makes between means of the same numbers in another order."""

Interval = tuple[float, float]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Confidence interval of the mean by Student's t with n − 1 degrees of freedom; None for fewer than two values, or
    if all values are the same.

    It covers other draws of seeds, if the values are roughly normally distributed. Accuracies on few images, and their
    differences, are often equal by chance, which would give an interval of zero width.
    """
    from scipy.stats import sem, t

    if len(values) < 2 or np.ptp(values) <= ROUNDING:
        return None
    low, high = t.interval(LEVEL, len(values) - 1, loc=np.mean(values), scale=sem(values))
    return float(low), float(high)


def share_interval(values: Sequence[float]) -> Interval | None:
    """`mean_interval` of shares such as accuracies, clipped to [0, 1].

    The true mean is within [0, 1], which Student's t does not know, so clipping costs no coverage. Do not use this
    function for differences of shares, which are in [-1, 1].
    """
    interval = mean_interval(values)
    return interval and (max(interval[0], 0.0), min(interval[1], 1.0))


def bootstrap_interval(correct: Mask, labels: Integers, resamples: int = RESAMPLES, seed: int = 0) -> Interval | None:
    """Percentile bootstrap interval of the mean per-class accuracy over test images; None without images.

    Images are drawn with replacement within each class, since the number of test images per class is fixed. One image
    fewer than the class has is drawn, which gives the unbiased variance (McCarthy & Snowden 1985); otherwise the
    interval is too narrow for few images per class. The number of correct images in a draw is binomial, so it is drawn
    directly.

    If every class is all right or all wrong, all draws are the same, and a few images that happen to be right would
    look like certainty. In that case the result is the exact interval of `_of_constant_classes`.

    Args:
        correct: whether each image is recognised, (N,); labels: its class, (N,).
    """
    if len(labels) == 0:
        return None
    _, classes, totals = np.unique(labels, return_inverse=True, return_counts=True)
    shares = np.bincount(classes, weights=np.asarray(correct, np.float64)) / totals
    if np.isin(shares, (0, 1)).all():
        return _of_constant_classes(shares, int(totals.min()))
    sizes = np.maximum(totals - 1, 1)
    drawn = np.random.default_rng(seed).binomial(sizes, shares, size=(resamples, len(sizes)))
    accuracies = (drawn / sizes).mean(axis=1)
    low, high = np.quantile(accuracies, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _of_constant_classes(shares: Doubles, images: int) -> Interval:
    """Clopper-Pearson interval (1934) of all classes pooled, with the same number of `images` for each.

    This number is the size of the smallest class, since all classes have the same weight in the mean of their
    accuracies. The interval is exact for equally hard classes; for others it may be too wide, but not too narrow
    (Hoeffding 1956).

    Args:
        shares: share of each class's images that are recognised: 0 or 1, (C,).
    """
    from scipy.stats import binomtest

    found = binomtest(int(shares.sum()) * images, len(shares) * images).proportion_ci(LEVEL, method="exact")
    return float(found.low), float(found.high)
