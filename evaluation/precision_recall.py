"""Improved precision and recall (Kynkäänniemi et al. 2019; DIAGen, Eq. 3–6) by exact search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers
from evaluation.balls import mutual_membership
from evaluation.feature_sets import check_features
from evaluation.neighbours import neighbour_radii


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision, the share in [0, 1] of synthetic images within the real manifold, and recall, the share of real images
    within the synthetic manifold. NaN if the manifold is not defined."""

    precision: float
    recall: float


def precision_recall(
    real: Floats, synthetic: Floats, neighbours: int = 3, real_radii: Doubles | None = None
) -> PrecisionRecall:
    """Precision and recall of the features of synthetic images, (M, D), against those of real ones, (N, D).

    A set's manifold is the union of closed balls around its points. Each ball reaches to the point's k-th nearest
    neighbour in the same set, the point itself excluded. Closed means distance ≤ radius, as in the paper; the `prdc`
    package has <, which differs only for exact ties. A set of k points or fewer has no manifold: precision is NaN for
    N ≤ k, recall for M ≤ k, and both are NaN if either set is empty.

    Args:
        real_radii: `neighbour_radii(real, neighbours)`, (N,), if already computed.

    Raises:
        ValueError: `neighbours` < 1, widths differ, or a feature is not finite.
    """
    check_features(real, synthetic)
    if real_radii is None:
        real_radii = neighbour_radii(real, neighbours)
    synthetic_radii = neighbour_radii(synthetic, neighbours)
    if len(real) == 0 or len(synthetic) == 0:
        return PrecisionRecall(float("nan"), float("nan"))
    of_real, of_synthetic = mutual_membership(real, real_radii, synthetic, synthetic_radii)
    return PrecisionRecall(precision=_share(of_synthetic, real_radii), recall=_share(of_real, synthetic_radii))


def _share(counts: Integers, radii: Doubles) -> float:
    """Share of the points that are in at least one ball; NaN if the balls have no radii."""
    return float("nan") if np.isnan(radii).any() else float((counts > 0).mean())
