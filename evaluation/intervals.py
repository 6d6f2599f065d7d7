"""How sure a mean is: over seeds, and over test images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.arrays import Doubles, Integers, Mask

LEVEL = 0.95
"""Of confidence."""
RESAMPLES = 2000
ROUNDING = 1e-9
"""By which means of the same numbers in another order may differ."""

Interval = tuple[float, float]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Confidence interval of the mean by Student's t with n − 1 degrees of freedom; None for fewer than two values, and
    for values that are all the same.

    It asks how another draw of seeds would come out, if the values are about normally distributed. Shares of few
    images, and their differences, are often equal by chance, from which it would take an interval of no width.
    """
    from scipy.stats import sem, t

    if len(values) < 2 or np.ptp(values) <= ROUNDING:
        return None
    low, high = t.interval(LEVEL, len(values) - 1, loc=np.mean(values), scale=sem(values))
    return float(low), float(high)


def share_interval(values: Sequence[float]) -> Interval | None:
    """`mean_interval` of shares such as accuracies, cut at 0 and 1.

    Their true mean cannot lie beyond, which Student's t does not know: what is cut off costs no coverage. Differences
    of shares lie in [-1, 1], and are not for this function.
    """
    interval = mean_interval(values)
    return interval and (max(interval[0], 0.0), min(interval[1], 1.0))


def bootstrap_interval(correct: Mask, labels: Integers, resamples: int = RESAMPLES, seed: int = 0) -> Interval | None:
    """Percentile bootstrap interval of the mean per-class accuracy over test images; None without images.

    Images are drawn with replacement within each class, since the test set was made with so many of each; one fewer
    than there are, which gives the unbiased variance (McCarthy & Snowden 1985): with all of them, the interval of a few
    images a class is too narrow. The number of correct ones among them is then binomial, which is drawn at once.

    Where each class is all right or all wrong, no draw differs from another, and a few images that happen to be right
    would read as certainty: there it is the exact interval of `_of_constant_classes`.

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
    """Interval of Clopper & Pearson (1934) for so many `images` of each class, taken together.

    As many as the smallest class has, for each class weighs the same in the mean of their accuracies. Exact for classes
    that are equally hard, and too wide rather than too narrow for others (Hoeffding 1956).

    Args:
        shares: of each class's images, those that are recognised: 0 or 1, (C,).
    """
    from scipy.stats import binomtest

    found = binomtest(int(shares.sum()) * images, len(shares) * images).proportion_ci(LEVEL, method="exact")
    return float(found.low), float(found.high)
