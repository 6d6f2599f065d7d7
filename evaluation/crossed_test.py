"""A paired test for methods that are evaluated with several seeds on the same test images.

There are two crossed sources of chance: the training images, which each seed draws, and the test images, which are the
same for every seed. A test over cells ignores that cells share test images and that the shots of a seed are nested;
McNemar's test on all cells together counts each test image several times. Both find differences that do not exist.
Radiology uses the same design, with readers in place of seeds and cases in place of test images. The test is that of
Obuchowski & Rockette (1995), with the degrees of freedom of Hillis (2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaluation.arrays import Doubles, Integers
from evaluation.intervals import LEVEL, ROUNDING, Interval


def crossed_test(differences: Sequence[float], covariance: float = 0.0) -> tuple[Interval | None, float]:
    """Confidence interval and two-sided p value of the mean difference, generalising to other seeds and test images.

    The variance of the mean of n seeds is s²/n + c, where s² is the sample variance and c the covariance of two seeds'
    differences. With c = 0 this is the paired t test. Each seed must give one value: the mean difference over its
    shots, which share training images.

    Seeds count as independent draws. If they draw from the same few photos, "other seeds" means other draws from these
    photos. For other photos the variance is too small: it lacks what the draws share (Nadeau & Bengio 2003).

    Returns None and NaN for a single seed, or if all seeds have the same difference, so that their variance cannot be
    estimated. But p is 1 if the differences of several seeds are all 0.

    Args:
        covariance: `image_covariance` of the seeds' influences, or 0 if the predictions are not known.
    """
    from scipy.stats import t

    values = np.asarray(differences, np.float64)
    if len(values) < 2 or np.ptp(values) < ROUNDING:
        return None, 1.0 if len(values) > 1 and abs(values[0]) < ROUNDING else float("nan")
    mean, of_seeds = float(values.mean()), float(values.var(ddof=1)) / len(values)
    error = math.sqrt(of_seeds + covariance)
    freedom = float(len(values) - 1)
    if len(values) > 2:  # with two, s² is too uncertain for this: a true null would be rejected in up to 12%, not 5%
        freedom *= ((of_seeds + covariance) / of_seeds) ** 2
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * error
    return (mean - reach, mean + reach), float(2 * t.sf(abs(mean) / error, freedom))


def image_influence(advantage: Doubles, labels: Integers) -> Doubles:
    """What each test image contributes to the error of a difference in mean per-class accuracy, (N,).

    The sum of squares is the unbiased estimate of the difference's variance over test images that are drawn within
    classes. A class of one image gives no estimate of its variance and adds 0.

    Args:
        advantage: 1 if only the first method is right, −1 if only the second is, else 0, (N,).
        labels: (N,).
    """
    _, classes, totals = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.bincount(classes, weights=advantage) / totals
    unbiased = np.sqrt(totals / np.maximum(totals - 1, 1))
    return np.asarray((advantage - means[classes]) * (unbiased / totals)[classes] / len(totals), np.float64)


def image_covariance(influences: Doubles) -> float:
    """Mean covariance between two seeds' differences that is due to their shared test images; at least 0.

    Args:
        influences: (I, n), `image_influence` of each image for each seed; 0 if it is not in that seed's test set.
    """
    seeds = influences.shape[1]
    if seeds < 2:
        return 0.0
    pairs = float((influences.sum(axis=1) ** 2).sum() - (influences**2).sum())
    return max(0.0, pairs / (seeds * (seeds - 1)))
