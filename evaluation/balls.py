"""Counts which points are in which balls, for large sets of features: float32 proposes, float64 decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers, Mask, Singles
from evaluation.feature_sets import row_blocks
from evaluation.neighbours import norms, paired_distances, rounding, single

_TILE = 2048


def ball_counts(points: Floats, centres: Floats, radii: Doubles) -> tuple[Integers, Integers]:
    """The number of balls that contain each of `points`, (P, D), as (P,), and of points in each ball, as (Q,).

    Balls are closed: distance ≤ radius. Pass `np.nextafter(radii, -np.inf)` for open balls; a NaN radius makes a ball
    empty.

    Args:
        centres: of the balls, (Q, D), at least one; radii: (Q,).
    """
    origin = centres.mean(axis=0, dtype=np.float64)
    balls = _balls(centres, radii, origin)
    of_points, of_balls = np.zeros(len(points), np.int64), np.zeros(len(centres), np.int64)
    for down, across, squares in _tiles(points, centres, origin):
        rows, columns = balls.part(across).pairs(points[down], squares)
        of_points[down] += np.bincount(rows, minlength=squares.shape[0])
        of_balls[across] += np.bincount(columns, minlength=squares.shape[1])
    return of_points, of_balls


def mutual_membership(
    one: Floats, one_radii: Doubles, other: Floats, other_radii: Doubles
) -> tuple[Integers, Integers]:
    """For each of `one`, (P, D), the number of closed balls around `other`, (Q, D), that contain it, (P,), and for each
    of `other` the number of balls around `one`, (Q,): `ball_counts` both ways, with distances computed once."""
    origin = other.mean(axis=0, dtype=np.float64)
    one_balls, other_balls = _balls(one, one_radii, origin), _balls(other, other_radii, origin)
    of_one, of_other = np.zeros(len(one), np.int64), np.zeros(len(other), np.int64)
    for down, across, squares in _tiles(one, other, origin):
        rows, _ = other_balls.part(across).pairs(one[down], squares)
        columns, _ = one_balls.part(down).pairs(other[across], squares.T)
        of_one[down] += np.bincount(rows, minlength=squares.shape[0])
        of_other[across] += np.bincount(columns, minlength=squares.shape[1])
    return of_one, of_other


@dataclass(frozen=True)
class _Balls:
    """Centres (Q, D), radii (Q,), and bounds (Q,) on the squared float32 distance of a point: below `sure` it is inside
    the ball, above `possible` it is outside."""

    centres: Floats
    radii: Doubles
    sure: Singles
    possible: Singles

    def part(self, block: slice) -> _Balls:
        return _Balls(self.centres[block], self.radii[block], self.sure[block], self.possible[block])

    def pairs(self, points: Floats, squares: Singles) -> tuple[Integers, Integers]:
        """Indices (points, balls) of all pairs with the point in the ball; `squares`: squared distances, (P, Q)."""
        rows, columns = _nonzero(squares <= self.possible)
        inside = squares[rows, columns] < self.sure[columns]
        doubtful = ~inside
        exact = paired_distances(points, self.centres, rows[doubtful], columns[doubtful])
        inside[doubtful] = exact <= self.radii[columns[doubtful]]
        return rows[inside], columns[inside]


def _balls(centres: Floats, radii: Doubles, origin: Doubles) -> _Balls:
    """The balls with their bounds. A point in a ball is at most |centre| + radius from the origin, which bounds its
    rounding error. The factors 3 and 2 are larger than that needs, for the sake of points outside: their errors are
    larger, but still smaller than their distance from the ball."""
    seen = single(centres, origin)
    doubt = rounding(seen, 3 * norms(seen) + 2 * np.abs(radii))
    squares = radii * np.abs(radii)
    return _Balls(centres, radii, (squares - doubt).astype(np.float32), (squares + doubt).astype(np.float32))


def _tiles(points: Floats, centres: Floats, origin: Doubles) -> Iterator[tuple[slice, slice, Singles]]:
    """Squared distances in float32, tile by tile: |p − c|² is an inner product of vectors with two extra entries."""
    database = _augmented(centres, origin)
    database[:, :-2] *= -2
    database[:, [-2, -1]] = database[:, [-1, -2]]
    for down in row_blocks(len(points), _TILE):
        queries = _augmented(points[down], origin)
        for across in row_blocks(len(centres), _TILE):
            yield down, across, queries @ database[across].T


def _nonzero(mask: Mask) -> tuple[Integers, Integers]:
    """Rows and columns of the few true entries, without a copy in either memory order."""
    if mask.flags.c_contiguous:
        return np.divmod(np.flatnonzero(mask), mask.shape[1])
    columns, rows = np.divmod(np.flatnonzero(mask.T), mask.shape[0])
    return rows, columns


def _augmented(features: Floats, origin: Doubles) -> Singles:
    """Each vector relative to the origin, with its squared length and 1 appended."""
    seen = single(features, origin)
    return np.column_stack([seen, (norms(seen) ** 2).astype(np.float32), np.ones(len(seen), np.float32)])
