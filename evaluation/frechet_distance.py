"""Fréchet distance between two sets of features, each modelled as a Gaussian (Heusel et al. 2017)."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Floats
from evaluation.feature_sets import check_features, row_blocks


def frechet_distance(real: Floats, synthetic: Floats) -> float:
    """|μ − ν|² + tr(Σ + Τ − 2 (ΣΤ)^½) for real features, (N, D), and synthetic features, (M, D).

    μ and Σ are the mean and covariance of the real features, ν and Τ those of the synthetic ones. The distance is at
    least 0, in squared units of the features. It is called FID for Inception features, and FD for others, such as
    DINOv2 (Stein et al. 2024). Covariances divide by N − 1. NaN for N < 2 or M < 2.

    The distance is biased upwards for small sets (Chong & Forsyth 2020): compare only values for the same N and M. With
    fewer images than entries the covariances are singular, and computing a matrix square root of ΣΤ fails. Here
    Σ = AᵀA and Τ = BᵀB, and tr (ΣΤ)^½ is the sum of the singular values of ABᵀ, which avoids the square root.

    Raises:
        ValueError: widths differ, or a feature is not finite.
    """
    check_features(real, synthetic)
    if len(real) < 2 or len(synthetic) < 2:
        return float("nan")
    (mu, a), (nu, b) = _gaussian(real), _gaussian(synthetic)
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return max(0.0, float(((mu - nu) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * root))


def _gaussian(features: Floats) -> tuple[Doubles, Doubles]:
    """The mean (D,), and a factor A of at most D rows such that AᵀA is the covariance."""
    count, width = features.shape
    mean = features.mean(axis=0, dtype=np.float64)
    if count <= width:
        return mean, (features - mean) / np.sqrt(count - 1)
    scatter = np.zeros((width, width))
    for block in row_blocks(count, 2048):
        centred = features[block] - mean
        scatter += centred.T @ centred
    eigenvalues, directions = np.linalg.eigh(scatter / (count - 1))
    return mean, np.sqrt(eigenvalues.clip(min=0))[:, None] * directions.T
