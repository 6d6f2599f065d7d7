"""How sure a mean is: over seeds, and over test images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
RESAMPLES = 2000

Interval = tuple[float, float]
Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Confidence interval of the mean by Student's t with n − 1 degrees of freedom; None for fewer than two values.

    It asks how another draw of seeds would come out, if the values are about normally distributed.
    """
    from scipy.stats import t

    if len(values) < 2:
        return None
    mean = float(np.mean(values))
    half = float(t.ppf((1 + level) / 2, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean - half, mean + half


def bootstrap_interval(
    correct: Booleans, labels: Integers, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Interval | None:
    """Percentile bootstrap interval of the mean per-class accuracy over test images; None without images.

    Images are drawn with replacement within each class, since the test set was made with so many of each; one fewer
    than there are, which gives the unbiased variance (McCarthy & Snowden 1985): with all of them, the interval of a few
    images a class is too narrow. The number of correct ones among them is then binomial, which is drawn at once.

    Args:
        correct: whether each image is recognised, (N,); labels: its class, (N,).
    """
    if len(labels) == 0:
        return None
    _, classes, totals = np.unique(labels, return_inverse=True, return_counts=True)
    shares = np.bincount(classes, weights=np.asarray(correct, np.float64)) / totals
    sizes = np.maximum(totals - 1, 1)
    drawn = np.random.default_rng(seed).binomial(sizes, shares, size=(resamples, len(sizes)))
    accuracies = (drawn / sizes).mean(axis=1)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
