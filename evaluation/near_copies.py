"""How near synthetic images are to the images that a method was trained on."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Floats
from evaluation.feature_sets import check_features
from evaluation.neighbours import nearest, neighbour_radii

FALSE_ALARMS = 0.05
"""The share of real images, never trained on, that are taken for near-copies."""


def nearest_distance(images: Floats, train: Floats) -> Doubles:
    """Euclidean distance of each image's features, (M, D), to the nearest training image's, (N, D): (M,).

    NaN for all where N = 0.

    Raises:
        ValueError: widths differ, or a feature is not finite.
    """
    check_features(images, train)
    if len(train) == 0 or len(images) == 0:
        return np.full(len(images), np.nan)
    return nearest(images, train)[1]


def near_copy_share(distances: Doubles, reference: Doubles) -> float:
    """Share of synthetic images, in [0, 1], that are nearer to a training image than real images come by chance.

    An image is a near-copy if its distance is below the `FALSE_ALARMS` quantile of the reference distances, or 0. The
    reference is real images that were not trained on, measured to the same training images (Meehan et al. 2020): so
    many of them would be called near-copies, whatever the numbers of images, and a share above it speaks of copying.
    Distances among real images are no such reference: the more images, the nearer the nearest, and a few-shot train set
    has few.

    Args:
        distances: `nearest_distance(synthetic, train)`, (M,).
        reference: `nearest_distance(held_out, train)` of real images, (N,).

    Returns:
        NaN where there is no image, no training image or no held-out one.
    """
    if len(distances) == 0 or len(reference) == 0 or np.isnan(distances).any() or np.isnan(reference).any():
        return float("nan")
    threshold = np.quantile(reference, FALSE_ALARMS)
    # Where held-out images are copies of training images, the threshold may be 0: an exact copy is still one.
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
