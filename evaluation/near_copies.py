"""How close synthetic images are to the images that a method was trained on."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Floats
from evaluation.feature_sets import check_features
from evaluation.neighbours import nearest, neighbour_radii

FALSE_ALARMS = 0.05
"""Share of real images that were never trained on but are called near-copies."""


def nearest_distance(images: Floats, train: Floats) -> Doubles:
    """Euclidean distance from each image's features, (M, D), to those of its nearest training image, (N, D): (M,).

    All are NaN if N = 0.

    Raises:
        ValueError: widths differ, or a feature is not finite.
    """
    check_features(images, train)
    if len(train) == 0 or len(images) == 0:
        return np.full(len(images), np.nan)
    return nearest(images, train)[1]


def near_copy_share(distances: Doubles, reference: Doubles) -> float:
    """Share of synthetic images, in [0, 1], that are closer to a training image than real images are by chance.

    An image is a near-copy if its distance is 0 or below the `FALSE_ALARMS` quantile of the reference distances, which
    run from held-out real images to the same training images (Meehan et al. 2020). Whatever the numbers of images, a
    share of `FALSE_ALARMS` of the held-out images would be called near-copies, and a higher share suggests copying.
    Distances among real images would not do: nearest distances shrink as the number of images grows, and a few-shot
    train set has few.

    Args:
        distances: `nearest_distance(synthetic, train)`, (M,).
        reference: `nearest_distance(held_out, train)` of real images, (N,).

    Returns:
        NaN if there is no synthetic image, no training image or no held-out image.
    """
    if len(distances) == 0 or len(reference) == 0 or np.isnan(distances).any() or np.isnan(reference).any():
        return float("nan")
    threshold = np.quantile(reference, FALSE_ALARMS)
    # The threshold is 0 if enough held-out images duplicate training images: exact copies still count then.
    return float(((distances < threshold) | (distances == 0)).mean())


def authenticity(synthetic: Floats, train: Floats) -> float:
    """Share of synthetic images, in [0, 1], that are authentic, not copies of a training image (Alaa et al. 2022).

    An image, with features in (M, D), is authentic if it is farther from its nearest training image, in (N, D), than
    that one is from its own nearest other one; a tie is not authentic. This equals AuthPct of `dgm-eval` / 100.
    Few-shot train sets are sparse, so the value is small for every method that edits real images; `near_copy_share`
    distinguishes such methods. NaN for N < 2, where there is no distance to compare with, or M = 0.

    Raises:
        ValueError: widths differ, or a feature is not finite.
    """
    check_features(synthetic, train)
    if len(train) < 2 or len(synthetic) == 0:
        return float("nan")
    indices, distances = nearest(synthetic, train)
    return float((distances > neighbour_radii(train, 1)[indices]).mean())
