"""Vendi score: the effective number of different images in a set (Friedman & Dieng 2023)."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers
from evaluation.feature_sets import check_features, row_blocks


def vendi_score(features: Floats) -> float:
    """exp of the entropy of the eigenvalues of K/N, where K holds the cosine similarities of the features, (N, D).

    In [1, N]: 1 for N equal images, N for N orthogonal ones; never more than D. NaN for N = 0. The score grows with N:
    compare only sets of the same size.

    Raises:
        ValueError: a feature is not finite, or all entries of an image are 0, so its cosine similarity is undefined.
    """
    check_features(features)
    if len(features) == 0:
        return float("nan")
    eigenvalues = np.linalg.eigvalsh(_similarities(features) / len(features))
    positive = eigenvalues[eigenvalues > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))


def class_mean_vendi_score(features: Floats, labels: Integers) -> float:
    """Mean `vendi_score` over the classes that have images; NaN if there are no images."""
    scores = [vendi_score(features[labels == label]) for label in np.unique(labels)]
    return float(np.mean(scores)) if scores else float("nan")


def _similarities(features: Floats) -> Doubles:
    """The smaller of UUᵀ, (N, N), and UᵀU, (D, D), for unit vectors U: their positive eigenvalues are the same."""
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
