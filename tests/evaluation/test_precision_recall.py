"""Improved precision and recall: compared with the reference package, conventions, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from prdc import compute_prdc

from evaluation.arrays import Singles
from evaluation.neighbours import neighbour_radii
from evaluation.precision_recall import PrecisionRecall, precision_recall
from tests.evaluation.random_features import features


@pytest.mark.parametrize("neighbours", [1, 3, 5])
@pytest.mark.parametrize(("reals", "synthetics"), [(7, 9), (60, 40), (150, 300)])
@pytest.mark.parametrize("shift", [0.0, 0.7, 100.0])
def test_equals_prdc_on_random_features(neighbours: int, reals: int, synthetics: int, shift: float) -> None:
    real, synthetic = features(0, reals, shift=shift), features(1, synthetics, shift=shift + 0.3)
    expected = compute_prdc(real.astype(np.float64), synthetic.astype(np.float64), neighbours)
    result = precision_recall(real, synthetic, neighbours)
    assert result == PrecisionRecall(expected["precision"], expected["recall"])


def test_equals_a_plain_computation_of_every_distance() -> None:
    real, synthetic = (features(seed, 80, 64).astype(np.float64) for seed in (2, 3))
    among = np.linalg.norm(real[:, None] - real[None], axis=2)
    radii = np.sort(among, axis=1)[:, 3]  # entry 0 is the point itself
    inside = (np.linalg.norm(synthetic[:, None] - real[None], axis=2) <= radii).any(axis=1)
    assert precision_recall(real, synthetic, 3).precision == inside.mean()


def test_mode_collapse_keeps_precision_and_loses_recall() -> None:
    real, collapsed = features(0, 200), features(1, 100, spread=0.01)
    result = precision_recall(real, collapsed)
    assert result.precision > 0.95
    assert result.recall < 0.05


def test_too_wide_a_generator_keeps_recall_and_loses_precision() -> None:
    result = precision_recall(features(0, 200), features(1, 200, spread=5.0))
    assert result.recall > 0.95
    assert result.precision < 0.2


def test_swapping_the_sets_swaps_the_figures() -> None:
    real, synthetic = features(0, 50), features(1, 60, shift=0.5)
    one, other = precision_recall(real, synthetic), precision_recall(synthetic, real)
    assert (one.precision, one.recall) == (other.recall, other.precision)


@pytest.mark.parametrize("real", [features(0, 40), np.ones((5, 6))])
def test_a_set_covers_itself(real: Singles) -> None:
    """This holds even if all images are equal and each ball is a point."""
    assert precision_recall(real, real) == PrecisionRecall(1.0, 1.0)


def test_balls_are_closed() -> None:
    """At k = 1 each ball has radius 1, and 3 is exactly on the edge of the last: ≤ counts it, < (in prdc) does not."""
    real, synthetic = np.array([[0.0], [1.0], [2.0]]), np.array([[3.0], [3.001], [9.0], [9.5]])
    assert precision_recall(real, synthetic, 1).precision == 0.25
    assert compute_prdc(real, synthetic, 1)["precision"] == 0.0


def test_duplicates_are_neighbours_but_a_point_is_not_its_own() -> None:
    """Four copies of one point have radius 0, which only another copy reaches."""
    real = np.zeros((4, 3))
    synthetic = np.array([[0, 0, 0], [1e-6, 0, 0]])
    assert precision_recall(real, synthetic, 3).precision == 0.5


def test_many_duplicates_do_not_hide_a_neighbour() -> None:
    rng = np.random.default_rng(0)
    real = np.repeat(rng.normal(size=(30, 5)), 20, axis=0)
    assert precision_recall(real, real[::7], 3).precision == 1.0


def test_far_from_the_origin_nothing_is_lost() -> None:
    real, synthetic = features(0, 60).astype(np.float64), features(1, 60).astype(np.float64)
    assert precision_recall(real + 1e4, synthetic + 1e4) == precision_recall(real, synthetic)


def test_known_radii_are_used_and_change_nothing() -> None:
    real, synthetic = features(0, 60), features(1, 50)
    radii = neighbour_radii(real, 3)
    assert precision_recall(real, synthetic, 3, radii) == precision_recall(real, synthetic, 3)
    assert precision_recall(real, synthetic, 3, radii * 100).precision == 1.0


def test_a_set_of_k_points_has_no_manifold() -> None:
    result = precision_recall(features(0, 3), features(1, 10), neighbours=3)
    assert np.isnan(result.precision)
    assert not np.isnan(result.recall)
    empty = precision_recall(features(0, 10), features(1, 0), neighbours=3)
    assert np.isnan([empty.precision, empty.recall]).all()


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        precision_recall(features(0, 5), features(1, 5), 0)
    with pytest.raises(ValueError, match="compared"):
        precision_recall(features(0, 5), features(1, 5, width=7))
    with pytest.raises(ValueError, match="finite"):
        precision_recall(features(0, 5), np.full((5, 6), np.nan))
