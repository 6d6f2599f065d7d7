"""Density and coverage (Naeem et al. 2020) by exact search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers, Mask
from evaluation.balls import ball_counts
from evaluation.feature_sets import check_features, class_means
from evaluation.neighbours import check_neighbours, class_neighbour_radii, neighbour_radii


@dataclass(frozen=True)
class DensityCoverage:
    """Density, at least 0 and about 1 for sets of the same distribution: how many real neighbourhoods a synthetic
    image lies in, over k. Coverage, in [0, 1]: share of real neighbourhoods that hold a synthetic image. NaN where
    there are no neighbourhoods."""

    density: float
    coverage: float


def density_coverage(
    real: Floats, synthetic: Floats, neighbours: int = 5, real_radii: Doubles | None = None
) -> DensityCoverage:
    """Density and coverage of the features of synthetic images, (M, D), against those of real ones, (N, D).

    A real image's neighbourhood is the open ball (distance < radius, as in the `prdc` package) that reaches to its
    k-th nearest real neighbour, itself excluded. More than k copies of one real image therefore have an empty
    neighbourhood, which nothing covers. Both figures are NaN for N ≤ k or M = 0.

    Args:
        neighbours: k; 5 in the paper.
        real_radii: `neighbour_radii(real, neighbours)`, (N,), where it is known from before.

    Raises:
        ValueError: `neighbours` < 1, widths differ, or a feature is not finite.
    """
    check_features(real, synthetic)
    check_neighbours(neighbours)
    if real_radii is None:
        real_radii = neighbour_radii(real, neighbours)
    if len(real) == 0 or len(synthetic) == 0 or np.isnan(real_radii).any():
        return DensityCoverage(float("nan"), float("nan"))
    of_synthetic, of_real = ball_counts(synthetic, real, np.nextafter(real_radii, -np.inf))
    return DensityCoverage(float(of_synthetic.mean() / neighbours), float((of_real > 0).mean()))


def class_mean_density_coverage(
    real: Floats,
    real_labels: Integers,
    synthetic: Floats,
    synthetic_labels: Integers,
    neighbours: int = 5,
    real_radii: Doubles | None = None,
) -> DensityCoverage:
    """Mean over classes of `density_coverage` of each class's images.

    A class counts if it has more real images than neighbours; where one such class has no figure, for want of synthetic
    images, the mean is NaN rather than a mean over fewer classes.

    Args:
        real_radii: `class_neighbour_radii(real, real_labels, neighbours)`, (N,), where it is known from before.
    """
    radii = class_neighbour_radii(real, real_labels, neighbours) if real_radii is None else real_radii

    def of_class(reals: Mask, synthetics: Mask) -> DensityCoverage:
        return density_coverage(real[reals], synthetic[synthetics], neighbours, radii[reals])

    return DensityCoverage(*class_means(of_class, real_labels, synthetic_labels, neighbours))
