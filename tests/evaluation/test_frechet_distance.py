"""Fréchet distance: two independent implementations, closed forms, singular covariances, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torchmetrics.image.fid import _compute_fid

from evaluation.arrays import Doubles
from evaluation.frechet_distance import frechet_distance


def features(seed: int, count: int, width: int, shift: float = 0.0) -> Doubles:
    """Random features with correlations that differ by seed."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, width)) @ rng.normal(size=(width, width)) / np.sqrt(width) + shift


def moments(set_of_features: Doubles) -> tuple[Doubles, Doubles]:
    return set_of_features.mean(axis=0), np.cov(set_of_features, rowvar=False)


def by_square_root(real: Doubles, synthetic: Doubles) -> float:
    (mu, sigma), (nu, tau) = moments(real), moments(synthetic)
    return float(((mu - nu) ** 2).sum() + np.trace(sigma + tau - 2 * sqrtm(sigma @ tau).real))


def by_torchmetrics(real: Doubles, synthetic: Doubles) -> float:
    parts = [torch.from_numpy(part) for part in (*moments(real), *moments(synthetic))]
    return float(_compute_fid(*parts))


@pytest.mark.parametrize(("reals", "synthetics", "width"), [(50, 40, 3), (300, 200, 32), (400, 500, 128)])
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_equals_scipy_and_torchmetrics(reals: int, synthetics: int, width: int, shift: float) -> None:
    real, synthetic = features(0, reals, width), features(1, synthetics, width, shift)
    result = frechet_distance(real, synthetic)
    assert result == pytest.approx(by_square_root(real, synthetic), rel=1e-8)
    assert result == pytest.approx(by_torchmetrics(real, synthetic), rel=1e-8)


@pytest.mark.parametrize(("reals", "synthetics"), [(20, 30), (20, 300), (300, 20), (2, 2)])
def test_equals_torchmetrics_with_fewer_images_than_entries(reals: int, synthetics: int) -> None:
    """Torchmetrics takes roots of many eigenvalues that should be 0; each is about √1e-16, hence the tolerance."""
    real, synthetic = features(0, reals, 64), features(1, synthetics, 64, 0.5)
    assert frechet_distance(real, synthetic) == pytest.approx(by_torchmetrics(real, synthetic), rel=1e-5)


@pytest.mark.parametrize("width", [30, 500])
def test_singular_covariances_equal_those_of_the_space_that_holds_the_images(width: int) -> None:
    """The images vary in only eight directions; within this subspace their covariances are regular."""
    small_real, small_synthetic = features(0, 100, 8), features(1, 80, 8, 0.3)
    basis, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(width, 8)))
    expected = by_square_root(small_real, small_synthetic)
    assert frechet_distance(small_real @ basis.T, small_synthetic @ basis.T) == pytest.approx(expected, rel=1e-12)


def test_both_ways_to_the_covariance_agree() -> None:
    """The number of entries is once above and once below the number of images."""
    real, synthetic = features(0, 40, 40), features(1, 41, 40)
    padded = [np.pad(part, ((0, 0), (0, 10))) for part in (real, synthetic)]
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(real, synthetic), rel=1e-7)


def test_of_one_entry_is_the_closed_form() -> None:
    """(μ − ν)² + (σ − τ)², here with means 0 and 3 and standard deviations √2 and 2√2."""
    real, synthetic = np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]])
    assert frechet_distance(real, synthetic) == pytest.approx(9 + 2)


def test_a_set_has_no_distance_to_itself_and_a_shift_its_square() -> None:
    real = features(0, 60, 20).astype(np.float32)
    assert 0 <= frechet_distance(real, real[::-1]) < 1e-9
    assert frechet_distance(real, real + np.float32(0.5)) == pytest.approx(20 * 0.25, rel=1e-5)


def test_is_symmetric_and_far_from_the_origin_the_same() -> None:
    real, synthetic = features(0, 100, 10), features(1, 70, 10)
    assert frechet_distance(real, synthetic) == pytest.approx(frechet_distance(synthetic, real), rel=1e-9)
    assert frechet_distance(real + 1e4, synthetic + 1e4) == pytest.approx(frechet_distance(real, synthetic), rel=1e-7)


@pytest.mark.parametrize("count", [100, 3000])
def test_features_of_single_precision_lose_nothing(count: int) -> None:
    """Networks return float32; all features are about 100 here, so a mean in float32 would be inaccurate."""
    real, synthetic = (features(seed, count, 200, 100.0).astype(np.float32) for seed in (0, 1))
    expected = frechet_distance(real.astype(np.float64), synthetic.astype(np.float64))
    assert frechet_distance(real, synthetic) == pytest.approx(expected, rel=1e-12)


def test_one_image_has_no_covariance() -> None:
    assert np.isnan(frechet_distance(features(0, 1, 4), features(1, 9, 4)))
    assert np.isnan(frechet_distance(features(0, 9, 4), np.empty((0, 4))))


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="compared"):
        frechet_distance(features(0, 5, 4), features(1, 5, 3))
    with pytest.raises(ValueError, match="finite"):
        frechet_distance(features(0, 5, 4), np.full((5, 4), np.nan))
