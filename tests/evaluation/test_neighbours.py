"""Exact neighbours: compared with all distances in float64, where float32 alone would also be wrong."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from evaluation.arrays import Doubles
from evaluation.neighbours import class_neighbour_radii, nearest, neighbour_radii
from tests.evaluation.random_features import CLOUDS, clouds


@pytest.fixture(autouse=True, params=["with faiss", "without, as on macOS"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test twice; without faiss, the neighbours must be found without even importing it."""
    if request.param != "with faiss":
        monkeypatch.setattr("evaluation.neighbours._FAISS_CRASHES", True)
        monkeypatch.setitem(sys.modules, "faiss", None)


def every_radius(features: Doubles, k: int) -> Doubles:
    return np.sort(cdist(features, features), axis=1)[:, k]  # entry 0 is the point itself


@pytest.mark.parametrize(("width", "spread"), CLOUDS)
def test_radii_are_those_of_every_distance(width: int, spread: float) -> None:
    """At the smallest spread, float32 cannot distinguish the forty neighbours within a cloud."""
    features = clouds(0, 400, width, spread)
    np.testing.assert_allclose(neighbour_radii(features, 3), every_radius(features, 3), rtol=1e-9)


@pytest.mark.parametrize(("width", "spread"), CLOUDS)
def test_nearest_is_that_of_every_distance(width: int, spread: float) -> None:
    points, others = clouds(3, 70, width, spread), clouds(4, 200, width, spread)
    every = cdist(points, others)
    indices, distances = nearest(points, others)
    np.testing.assert_array_equal(indices, every.argmin(axis=1))
    np.testing.assert_allclose(distances, every.min(axis=1), rtol=1e-9)


def test_an_outlier_spoils_nothing() -> None:
    features = np.concatenate([clouds(0, 200, 32, 0.01), np.full((1, 32), 1e4)])
    np.testing.assert_allclose(neighbour_radii(features, 2), every_radius(features, 2), rtol=1e-9)


def test_copies_are_neighbours_at_distance_0() -> None:
    features = np.repeat(clouds(0, 30, 8), [1] * 10 + [20] * 20, axis=0)
    radii = neighbour_radii(features, 3)
    assert (radii[10:] == 0).all()
    assert (radii[:10] > 0).all()


def test_radii_within_classes() -> None:
    features, labels = clouds(0, 40, 5), np.repeat([0, 1, 2], [25, 12, 3])
    radii = class_neighbour_radii(features, labels, 3)
    np.testing.assert_allclose(radii[labels == 1], every_radius(features[labels == 1], 3))
    assert np.isnan(radii[labels == 2]).all()


def test_a_set_of_k_images_has_no_radii() -> None:
    assert np.isnan(neighbour_radii(clouds(0, 3, 5), 3)).all()
    assert neighbour_radii(np.empty((0, 5)), 3).shape == (0,)


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        neighbour_radii(clouds(0, 5, 5), 0)
    with pytest.raises(ValueError, match="finite"):
        neighbour_radii(np.array([[0.0], [np.inf], [1.0]]), 1)
    with pytest.raises(ValueError, match="shape"):
        neighbour_radii(np.zeros(5), 1)
