"""How near synthetic images are to the images that a method was trained on."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Floats
from evaluation.feature_sets import check_features
from evaluation.neighbours import nearest, neighbour_radii

FALSE_ALARMS = 0.05
"""The usual share of different photos that are taken for near-copies."""


def nearest_distance(synthetic: Floats, train: Floats) -> Doubles:
    """Euclidean distance of each synthetic image's features, (M, D), to the nearest training image's, (N, D): (M,).

    NaN for all where N = 0.

    Raises:
        ValueError: widths differ, or a feature is not finite.
    """
    check_features(synthetic, train)
    if len(train) == 0 or len(synthetic) == 0:
        return np.full(len(synthetic), np.nan)
    return nearest(synthetic, train)[1]


def near_copy_share(distances: Doubles, reference: Doubles) -> float:
    """Share of synthetic images, in [0, 1], that are nearer to a training image than real images are to each other.

    An image is a near-copy if its distance is below the `FALSE_ALARMS` quantile of the reference distances, or 0. The
    reference is what distances between different photos are like (the idea of Meehan et al. 2020, who compare with
    held-out images), so that a share above it speaks of copying.

    A few-shot train set is too small to be its own reference, as in `authenticity`: its images lie far from each
    other, and any image that resembles one would count. A test set of hundreds of images knows how near two photos
    come by chance. The share depends on the reference's size, so compare shares that have the same reference.

    Args:
        distances: `nearest_distance(synthetic, train)`, (M,).
        reference: `neighbour_radii(real, 1)` of real images, (N,): the distance of each to its nearest other one.

    Returns:
        NaN where there is no image, no training image or fewer than two real ones.
    """
    if len(distances) == 0 or len(reference) == 0 or np.isnan(distances).any() or np.isnan(reference).any():
        return float("nan")
    threshold = np.quantile(reference, FALSE_ALARMS)
    # Where the real set holds copies of its own, the threshold may be 0: an exact copy is still one.
    return float(((distances < threshold) | (distances == 0)).mean())


def authenticity(synthetic: Floats, train: Floats) -> float:
    """Share of synthetic images, in [0, 1], that are no copy of a training image by Alaa et al. 2022.

    An image, of features (M, D), is authentic if it is farther from its nearest training image, of (N, D), than that
    one is from its own nearest other training image; a tie is not. The same as `dgm-eval`'s AuthPct over 100. Few-shot
    train sets are sparse, which makes the figure small for every method that edits real images: `near_copy_share`
    tells them apart. NaN for N < 2, where no distance is there to compare with, or M = 0.

    Raises:
        ValueError: widths differ, or a feature is not finite.
    """
    check_features(synthetic, train)
    if len(train) < 2 or len(synthetic) == 0:
        return float("nan")
    indices, distances = nearest(synthetic, train)
    return float((distances > neighbour_radii(train, 1)[indices]).mean())
