"""Improved precision and recall (Kynkäänniemi et al. 2019; DIAGen, Eq. 3–6) by exact search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]

# faiss computes in float32. It proposes this many candidates more than are needed, and float64 decides among them.
_SPARE = 8


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares in [0, 1]: precision of synthetic images within the real manifold, recall of real ones within the
    synthetic manifold. NaN where a manifold is not defined."""

    precision: float
    recall: float


def precision_recall(real: Floats, synthetic: Floats, neighbours: int = 3) -> PrecisionRecall:
    """Precision and recall of the features of synthetic images, (M, D), against those of real ones, (N, D).

    A set's manifold is the union of closed balls (distance ≤ radius, as in the paper; the `prdc` package has <, which
    differs only for exact ties) around its points, each reaching to the point's k-th nearest neighbour in the same
    set, the point itself excluded. A set of k points or fewer has no manifold: precision is NaN for N ≤ k, recall for
    M ≤ k, and both if either set is empty.

    Raises:
        ValueError: `neighbours` < 1, widths differ, or a feature is not finite.
    """
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, not {neighbours}")
    if real.shape[1] != synthetic.shape[1]:
        raise ValueError(f"features of {real.shape[1]} and {synthetic.shape[1]} entries cannot be compared")
    if not (np.all(np.isfinite(real)) and np.all(np.isfinite(synthetic))):
        raise ValueError("a feature is not a finite number")
    x, y = np.asarray(real, np.float64), np.asarray(synthetic, np.float64)
    return PrecisionRecall(precision=_share_inside(y, x, neighbours), recall=_share_inside(x, y, neighbours))


def class_mean_precision_recall(
    real: Floats, real_labels: Integers, synthetic: Floats, synthetic_labels: Integers, neighbours: int = 3
) -> PrecisionRecall:
    """Mean over classes of `precision_recall` of each class's images.

    A class counts if it has an image in either set; where one such class has no manifold, the mean is NaN rather than
    a mean over fewer classes.
    """
    results = []
    for label in np.union1d(real_labels, synthetic_labels):
        of_class = precision_recall(real[real_labels == label], synthetic[synthetic_labels == label], neighbours)
        results.append((of_class.precision, of_class.recall))
    if not results:
        return PrecisionRecall(float("nan"), float("nan"))
    precision, recall = np.mean(results, axis=0)
    return PrecisionRecall(float(precision), float(recall))


def _share_inside(points: Doubles, manifold: Doubles, neighbours: int) -> float:
    """Share of `points` (P, D) in some ball of the manifold of `manifold` (Q, D)."""
    if len(manifold) <= neighbours or len(points) == 0:
        return float("nan")
    # Distances do not change by a shift, and float32 loses less near the origin.
    centre = manifold.mean(axis=0)
    points, manifold = points - centre, manifold - centre
    squared_radii = _squared_radii(manifold, neighbours)
    return float(_inside(points, manifold, squared_radii).mean())


def _squared_radii(points: Doubles, neighbours: int) -> Doubles:
    """Squared distance of each point to its k-th nearest neighbour among the others, (P,)."""
    import faiss

    single = np.ascontiguousarray(points, np.float32)
    count = min(len(points), neighbours + 1 + _SPARE)
    _, candidates = faiss.knn(single, single, count)
    distances = _squared_distances(points, points, candidates)
    # Only the index tells a point from its duplicates, which are neighbours at distance 0.
    distances[candidates == np.arange(len(points))[:, None]] = np.inf
    return np.asarray(np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1])


def _inside(points: Doubles, centres: Doubles, squared_radii: Doubles) -> npt.NDArray[np.bool_]:
    """Whether each point lies in some closed ball, (P,).

    The ball that a point p lies deepest in minimises |p − c|² − r² (the power distance), that is, it maximises
    p·c − (|c|² − r²)/2: an inner product with one more entry, for which faiss searches exactly.
    """
    import faiss

    offsets = (squared_radii - (centres**2).sum(axis=1)) / 2
    database = np.column_stack([centres, offsets]).astype(np.float32)
    queries = np.column_stack([points, np.ones(len(points))]).astype(np.float32)
    count = min(len(centres), 1 + _SPARE)
    _, candidates = faiss.knn(queries, database, count, metric=faiss.METRIC_INNER_PRODUCT)
    distances = _squared_distances(points, centres, candidates)
    return np.asarray((distances <= squared_radii[candidates]).any(axis=1))


def _squared_distances(points: Doubles, others: Doubles, candidates: Integers) -> Doubles:
    """Squared distance of point i to its candidate j, (P, K); by differences, so that none is lost to cancellation."""
    columns = [((points - others[column]) ** 2).sum(axis=1) for column in candidates.T]
    return np.stack(columns, axis=1)
