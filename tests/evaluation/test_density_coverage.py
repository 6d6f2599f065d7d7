"""Density and coverage: compared with the reference package, conventions, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from prdc import compute_prdc

from evaluation.density_coverage import DensityCoverage, density_coverage
from evaluation.neighbours import neighbour_radii
from tests.evaluation.random_features import features


@pytest.mark.parametrize("neighbours", [1, 5])
@pytest.mark.parametrize(("reals", "synthetics"), [(7, 9), (60, 40), (150, 300)])
@pytest.mark.parametrize(("width", "shift"), [(2, 0.0), (6, 0.7), (6, 100.0), (512, 0.0)])
def test_equals_prdc_on_random_features(neighbours: int, reals: int, synthetics: int, width: int, shift: float) -> None:
    real, synthetic = features(0, reals, width, shift), features(1, synthetics, width, shift + 0.1, 0.9)
    expected = compute_prdc(real.astype(np.float64), synthetic.astype(np.float64), neighbours)
    result = density_coverage(real, synthetic, neighbours)
    assert result.density == pytest.approx(expected["density"], abs=1e-12)
    assert result.coverage == pytest.approx(expected["coverage"], abs=1e-12)


def test_equals_prdc_on_tight_groups() -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(size=(5, 20))
    real, synthetic = (places[rng.integers(0, 5, 200)] + rng.normal(size=(200, 20)) * 1e-4 for _ in range(2))
    expected = compute_prdc(real, synthetic, 5)
    result = density_coverage(real, synthetic)
    assert (result.density, result.coverage) == pytest.approx((expected["density"], expected["coverage"]), abs=1e-12)


def test_two_sets_of_one_distribution_have_density_1() -> None:
    result = density_coverage(features(0, 2000), features(1, 2000))
    assert result.density == pytest.approx(1, abs=0.05)
    assert result.coverage == pytest.approx(1 - 0.5**5, abs=0.02)  # the expected value for N = M in the paper


def test_mode_collapse_keeps_density_and_loses_coverage() -> None:
    result = density_coverage(features(0, 200), features(1, 100, spread=0.01))
    assert result.density > 1
    assert result.coverage < 0.2


def test_an_outlier_among_real_images_raises_nothing() -> None:
    """Its large ball makes precision high (here 1), which is why density counts balls."""
    real = np.concatenate([features(0, 100), np.full((1, 6), 30, np.float32)])
    result = density_coverage(real, features(1, 100, shift=15))
    assert result.density == pytest.approx(1 / 5)
    assert result.coverage == pytest.approx(1 / 101)


def test_balls_are_open() -> None:
    """At k = 1 each ball has radius 1: 3 is exactly on the edge of the last ball, thus outside, and 2.999 is inside."""
    real = np.array([[0.0], [1.0], [2.0]])
    assert density_coverage(real, np.array([[3.0]]), 1) == DensityCoverage(0.0, 0.0)
    assert density_coverage(real, np.array([[2.999]]), 1) == DensityCoverage(1.0, 1 / 3)


def test_more_than_k_copies_have_an_empty_neighbourhood() -> None:
    copies = np.zeros((5, 3))
    assert density_coverage(copies, copies, 3) == DensityCoverage(0.0, 0.0)
    assert compute_prdc(copies, copies, 3)["coverage"] == 0.0


def test_known_radii_change_nothing() -> None:
    real, synthetic = features(0, 60), features(1, 50)
    assert density_coverage(real, synthetic, 3, neighbour_radii(real, 3)) == density_coverage(real, synthetic, 3)


def test_without_neighbourhoods_there_is_no_figure() -> None:
    for real, synthetic in [(features(0, 5), features(1, 10)), (features(0, 10), features(1, 0))]:
        result = density_coverage(real, synthetic, 5)
        assert np.isnan([result.density, result.coverage]).all()


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        density_coverage(features(0, 5), features(1, 5), 0)
    with pytest.raises(ValueError, match="at least 1"):
        density_coverage(features(0, 5), features(1, 5), 0, np.ones(5))
    with pytest.raises(ValueError, match="compared"):
        density_coverage(features(0, 5), features(1, 5, width=7))
    with pytest.raises(ValueError, match="finite"):
        density_coverage(features(0, 5), np.full((5, 6), np.inf))
