"""Points in balls: compared with all distances in float64, where float32 alone would also be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from evaluation import balls
from evaluation.balls import ball_counts, mutual_membership
from evaluation.neighbours import neighbour_radii
from tests.evaluation.random_features import CLOUDS, clouds


@pytest.mark.parametrize(("width", "spread"), CLOUDS)
@pytest.mark.parametrize("tile", [7, 2048])
def test_balls_hold_the_points_of_every_distance(
    width: int, spread: float, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balls, "_TILE", tile)
    points, centres = clouds(1, 90, width, spread), clouds(2, 120, width, spread)
    radii = neighbour_radii(centres, 4)
    inside = cdist(points, centres) <= radii
    of_points, of_balls = ball_counts(points, centres, radii)
    np.testing.assert_array_equal(of_points, inside.sum(axis=1))
    np.testing.assert_array_equal(of_balls, inside.sum(axis=0))


@pytest.mark.parametrize(("width", "spread"), CLOUDS)
@pytest.mark.parametrize("tile", [7, 2048])
def test_mutual_membership_is_that_of_both_sets_of_balls(
    width: int, spread: float, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balls, "_TILE", tile)
    one, other = clouds(1, 90, width, spread), clouds(2, 120, width, spread)
    one_radii, other_radii = neighbour_radii(one, 2), neighbour_radii(other, 4)
    of_one, of_other = mutual_membership(one, one_radii, other, other_radii)
    np.testing.assert_array_equal(of_one, (cdist(one, other) <= other_radii).sum(axis=1))
    np.testing.assert_array_equal(of_other, (cdist(other, one) <= one_radii).sum(axis=1))


def test_a_ball_reaches_its_own_neighbours_exactly() -> None:
    """A radius equals the distance that it comes from exactly, however both are computed, so that no tie is lost."""
    features = np.random.default_rng(0).normal(size=(150, 40)).astype(np.float32)
    radii = neighbour_radii(features, 5)
    closed, _ = ball_counts(features, features, radii)
    _, held = ball_counts(features, features, radii)
    _, held_open = ball_counts(features, features, np.nextafter(radii, -np.inf))
    assert (held == 6).all()  # itself and five neighbours
    assert (held_open == 5).all()
    assert closed.sum() == held.sum()
