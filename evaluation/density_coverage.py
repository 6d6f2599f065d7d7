"""Density and coverage (Naeem et al. 2020) by exact search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.arrays import Doubles, Floats
from evaluation.balls import ball_counts
from evaluation.feature_sets import check_features
from evaluation.neighbours import check_neighbours, neighbour_radii


@dataclass(frozen=True)
class DensityCoverage:
    """Density, at least 0 and about 1 for sets of the same distribution: the mean number of real neighbourhoods that
    contain a synthetic image, divided by k. Coverage, in [0, 1]: the share of real neighbourhoods that contain a
    synthetic image. NaN if there are no neighbourhoods."""

    density: float
    coverage: float


def density_coverage(
    real: Floats, synthetic: Floats, neighbours: int = 5, real_radii: Doubles | None = None
) -> DensityCoverage:
    """Density and coverage of the features of synthetic images, (M, D), against those of real ones, (N, D).

    A real image's neighbourhood is the open ball (distance < radius, as in the `prdc` package) that reaches to its
    k-th nearest real neighbour, itself excluded. If there are more than k copies of a real image, their neighbourhoods
    are therefore empty and cannot be covered. Both values are NaN for N ≤ k or M = 0.

    Args:
        neighbours: k; 5 in the paper.
        real_radii: `neighbour_radii(real, neighbours)`, (N,), if already computed.

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
