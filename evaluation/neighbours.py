"""Exact nearest neighbours in large sets of features: float32 proposes, float64 decides.

Float32 products find the few pairs that matter. Pairs that float32 rounding errors could affect are decided by the
float64 distance between the two vectors. The result is the same as from computing every distance in float64.
"""

from __future__ import annotations

import sys

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers, Singles
from evaluation.feature_sets import check_features, row_blocks

# On macOS the OpenMP libraries bundled with faiss and PyTorch conflict, and the process crashes in their threads
# (https://github.com/faiss-wheels/faiss-wheels/issues/73). There everything is computed in float64, more slowly.
_FAISS_CRASHES = sys.platform == "darwin"

# Extra candidates beyond those needed, so that rounding rarely leaves the result in doubt.
_SPARE = 4


def check_neighbours(neighbours: int) -> None:
    """Raise `ValueError` unless `neighbours` is at least 1."""
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, not {neighbours}")


def neighbour_radii(features: Floats, neighbours: int) -> Doubles:
    """Euclidean distance of each image's features, (N, D), to its k-th nearest neighbour in the set, (N,).

    The image itself is excluded; its duplicates are neighbours at distance 0. All are NaN if N ≤ k.

    Raises:
        ValueError: `neighbours` < 1, or a feature is not finite.
    """
    check_features(features)
    check_neighbours(neighbours)
    if len(features) <= neighbours:
        return np.full(len(features), np.nan)
    candidates, distances = _nearest(features, features, neighbours + 1)
    # Only the index distinguishes an image from its duplicates.
    distances[candidates == np.arange(len(features))[:, None]] = np.inf
    return _smallest(distances, neighbours)


def class_neighbour_radii(features: Floats, labels: Integers, neighbours: int) -> Doubles:
    """`neighbour_radii` of each image within its own class, (N,); NaN in a class of k images or fewer."""
    radii = np.full(len(features), np.nan)
    for label in np.unique(labels):
        radii[labels == label] = neighbour_radii(features[labels == label], neighbours)
    return radii


def nearest(points: Floats, others: Floats) -> tuple[Integers, Doubles]:
    """For each of `points`, (P, D), the index of the nearest of `others`, (Q, D), and the distance to it: both (P,).

    Q must be at least 1.
    """
    candidates, distances = _nearest(points, others, 1)
    rows, best = np.arange(len(points)), distances.argmin(axis=1)
    return candidates[rows, best], distances[rows, best]


def _nearest(points: Floats, others: Floats, count: int) -> tuple[Integers, Doubles]:
    """Candidates that include each point's `count` nearest of `others`, and their distances, both (P, K)."""
    width = min(len(others), count + _SPARE)
    if _FAISS_CRASHES:
        candidates = _candidates_in_double(points, others, width)
        return candidates, _distances(points, others, candidates)
    import faiss

    centre = others.mean(axis=0, dtype=np.float64)
    queries, database = single(points, centre), single(others, centre)
    found, candidates = faiss.knn(queries, database, width)
    distances = _distances(points, others, candidates)
    reach = _smallest(distances, count)
    # A vector that is nearer than `reach` but was not proposed is at most |q| + reach from the centre.
    doubtful = found[:, -1] - rounding(queries, 2 * norms(queries) + reach) < reach**2
    if width < len(others) and doubtful.any():
        candidates[doubtful] = _candidates_in_double(points[doubtful], others, width)
        distances[doubtful] = _distances(points[doubtful], others, candidates[doubtful])
    return candidates, distances


def _candidates_in_double(points: Floats, others: Floats, width: int) -> Integers:
    """Indices (P, `width`) of the nearest of `others`, unordered, even where float32 cannot tell neighbours apart."""
    centre = others.mean(axis=0, dtype=np.float64)
    database = others - centre
    squares = np.einsum("ij,ij->i", database, database)
    candidates = np.empty((len(points), width), np.int64)
    for block in row_blocks(len(points), 256):
        gaps = squares - 2 * (points[block] - centre) @ database.T
        candidates[block] = np.argpartition(gaps, width - 1, axis=1)[:, :width]
    return candidates


def single(features: Floats, origin: Doubles) -> Singles:
    """Features relative to `origin`, in float32, which is more precise near 0; distances between them stay the same."""
    seen = np.empty(features.shape, np.float32)
    np.subtract(features, origin, out=seen, dtype=np.float64, casting="same_kind")
    return seen


def norms(vectors: Singles) -> Doubles:
    """Euclidean length of each vector, (N,)."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))


def rounding(vectors: Singles, lengths: Doubles) -> Doubles:
    """Bound on the float32 error of a squared distance whose terms sum to at most `lengths`², in any order of summation
    (Higham 2002, section 3.1), including the rounding of the vectors themselves."""
    return np.asarray((vectors.shape[1] + 8) * np.finfo(np.float32).eps * lengths**2)


def _smallest(distances: Doubles, count: int) -> Doubles:
    return np.asarray(np.partition(distances, count - 1, axis=1)[:, count - 1])


def _distances(points: Floats, others: Floats, candidates: Integers) -> Doubles:
    """Euclidean distance from each point to each of its candidates, (P, K)."""
    rows = np.repeat(np.arange(len(points)), candidates.shape[1])
    return paired_distances(points, others, rows, candidates.ravel()).reshape(candidates.shape)


def paired_distances(points: Floats, others: Floats, rows: Integers, columns: Integers) -> Doubles:
    """Distances from `points[rows]` to `others[columns]`, pair by pair, from differences, which avoids cancellation."""
    distances = np.empty(len(rows))
    for block in row_blocks(len(rows), 2048):
        differences = np.subtract(points[rows[block]], others[columns[block]], dtype=np.float64)
        distances[block] = np.sqrt(np.square(differences, out=differences).sum(axis=1))
    return distances
