"""Vendi score: the effective number of different images in a set (Friedman & Dieng 2023)."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers
from evaluation.feature_sets import check_features, row_blocks


def vendi_score(features: Floats) -> float:
    """exp of the entropy of the eigenvalues of K/N, K the cosine similarities of the features, (N, D).

    In [1, N]: 1 for N equal images, N for N orthogonal ones; never more than D. NaN for N = 0. It grows with N:
    compare sets of the same size only.

    Raises:
        ValueError: a feature is not finite, or all entries of an image are 0, which has no cosine.
    """
    check_features(features)
    if len(features) == 0:
        return float("nan")
    eigenvalues = np.linalg.eigvalsh(_similarities(features) / len(features))
    positive = eigenvalues[eigenvalues > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))


def class_mean_vendi_score(features: Floats, labels: Integers) -> float:
    """Mean over the classes that have images of the `vendi_score` of each class's images; NaN without any image."""
    scores = [vendi_score(features[labels == label]) for label in np.unique(labels)]
    return float(np.mean(scores)) if scores else float("nan")


def _similarities(features: Floats) -> Doubles:
    """UUᵀ, (N, N), or UᵀU, (D, D), of the unit vectors U: the smaller one; their positive eigenvalues are the same."""
    count, width = features.shape
    if count <= width:
        units = _units(features)
        return np.asarray(units @ units.T)
    total = np.zeros((width, width))
    for block in row_blocks(count, 2048):
        units = _units(features[block])
        total += units.T @ units
    return total


def _units(features: Floats) -> Doubles:
    vectors = np.asarray(features, np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError("all entries of an image's features are 0")
    return np.asarray(vectors / norms)
