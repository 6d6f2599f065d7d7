"""A paired test for methods that are judged on several seeds and on the same test images.

Two sources of chance cross here: the training images that a seed picks, and the test images, which recur with every
seed. A test over cells takes neither the common test images nor the nested shots of a seed into account, and McNemar's
test on all cells together takes each test image for many; both find differences that are not there. Radiology knows
the same design, with readers for seeds and cases for test images: Obuchowski & Rockette (1995), with the degrees of
freedom of Hillis (2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaluation.arrays import Doubles, Integers
from evaluation.intervals import LEVEL, ROUNDING, Interval


def crossed_test(differences: Sequence[float], covariance: float = 0.0) -> tuple[Interval | None, float]:
    """Confidence interval and two-sided p value of the mean difference over seeds, for other seeds and test images.

    The variance of the mean of n seeds is s²/n + c, where s² is the sample variance and c the covariance of two seeds'
    differences. With c = 0 this is the paired t test. A seed's difference must be one value: the mean over its shots,
    which share training images.

    Seeds count as independent draws. Where they draw from the same few photos, these are what "other seeds" means: for
    other photos the variance lacks what the draws have in common (Nadeau & Bengio 2003).

    None and NaN for a single seed, or where all seeds have the same difference, so that nothing tells how they vary;
    but p is 1 where the differences of several seeds are all 0.

    Args:
        covariance: `image_covariance` of the seeds' influences, or 0 where predictions are not known.
    """
    from scipy.stats import t

    values = np.asarray(differences, np.float64)
    if len(values) < 2 or np.ptp(values) < ROUNDING:
        return None, 1.0 if len(values) > 1 and abs(values[0]) < ROUNDING else float("nan")
    mean, of_seeds = float(values.mean()), float(values.var(ddof=1)) / len(values)
    error = math.sqrt(of_seeds + covariance)
    freedom = float(len(values) - 1)
    if len(values) > 2:  # of two seeds s² says too little: the null is then rejected in up to 12%, not 5%
        freedom *= ((of_seeds + covariance) / of_seeds) ** 2
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * error
    return (mean - reach, mean + reach), float(2 * t.sf(abs(mean) / error, freedom))


def image_influence(advantage: Doubles, labels: Integers) -> Doubles:
    """What each test image adds to the error of a difference in mean per-class accuracy, (N,).

    The sum of squares is the unbiased estimate of the difference's variance over test images, drawn within classes; a
    class of one image says nothing about its variance and adds 0.

    Args:
        advantage: 1 where the first method alone is right, −1 where the second alone is, else 0, (N,).
        labels: (N,).
    """
    _, classes, totals = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.bincount(classes, weights=advantage) / totals
    unbiased = np.sqrt(totals / np.maximum(totals - 1, 1))
    return np.asarray((advantage - means[classes]) * (unbiased / totals)[classes] / len(totals), np.float64)


def image_covariance(influences: Doubles) -> float:
    """Mean covariance of two seeds' differences that comes of the test images in common; never below 0.

    Args:
        influences: (I, n), of each image in each seed's difference; 0 where the image is not in a seed's test set.
    """
    seeds = influences.shape[1]
    if seeds < 2:
        return 0.0
    pairs = float((influences.sum(axis=1) ** 2).sum() - (influences**2).sum())
    return max(0.0, pairs / (seeds * (seeds - 1)))
