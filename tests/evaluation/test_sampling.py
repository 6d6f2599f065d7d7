"""Eq. 2 of DIAGen: the probability of each training sample."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.sampling import class_weights, draw, sampling_probabilities, validation_sample

NO_GUIDES, NO_WEIGHTS = np.empty(0, np.int64), np.empty(0)


def test_equation_2_written_out() -> None:
    """With two real images per class: (1 − α)/N for each, and (α/N) · w_ij / Σ_m w_im for their synthetic images."""
    labels, guides = np.array([0, 0]), np.array([0, 0, 1])
    real, synthetic = sampling_probabilities(labels, guides, np.array([3.0, 1.0, 0.2]), alpha=0.7)
    assert real == pytest.approx([0.15, 0.15])
    assert synthetic == pytest.approx([0.35 * 3 / 4, 0.35 / 4, 0.35])


def test_classes_are_balanced_whatever_their_counts() -> None:
    labels = np.array([0, 2, 2, 2])
    real, _ = sampling_probabilities(labels, NO_GUIDES, NO_WEIGHTS, 0.0)
    assert real == pytest.approx([1 / 2, 1 / 6, 1 / 6, 1 / 6])


def test_a_guide_without_synthetics_or_with_zero_weights_stays_itself() -> None:
    labels = np.array([0, 0, 0])
    real, synthetic = sampling_probabilities(labels, np.array([1, 1, 2]), np.array([0.0, 0.0, 5.0]), alpha=0.5)
    assert real == pytest.approx([1 / 3, 1 / 3, 1 / 6])
    assert synthetic == pytest.approx([0, 0, 1 / 6])


@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1.0, 1e300])
def test_only_ratios_of_weights_matter(scale: float) -> None:
    weights = scale * np.array([1.0, 3.0])
    _, synthetic = sampling_probabilities(np.array([0]), np.array([0, 0]), weights, 1.0)
    assert synthetic == pytest.approx([0.25, 0.75])


def test_probabilities_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    labels, guides = rng.integers(0, 5, 20), rng.integers(0, 20, 100)
    real, synthetic = sampling_probabilities(labels, guides, rng.random(100), 0.7)
    assert real.sum() + synthetic.sum() == pytest.approx(1)


@pytest.mark.parametrize("weight", [np.nan, np.inf, -0.1])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        sampling_probabilities(np.array([0]), np.array([0]), np.array([weight]), 0.5)


def test_other_impossible_input_is_refused() -> None:
    for nobody in (1, -1):
        with pytest.raises(ValueError, match="guide"):
            sampling_probabilities(np.array([0]), np.array([nobody]), np.array([1.0]), 0.5)
    for weights in ([], [1.0, 1.0]):
        with pytest.raises(ValueError, match=f"{len(weights)} weights for 1 synthetic"):
            sampling_probabilities(np.array([0]), np.array([0]), np.array(weights), 0.5)
    with pytest.raises(ValueError, match="outside"):
        sampling_probabilities(np.array([0]), NO_GUIDES, NO_WEIGHTS, 1.5)
    with pytest.raises(ValueError, match="no real image"):
        sampling_probabilities(np.empty(0, np.int64), NO_GUIDES, NO_WEIGHTS, 0.5)


def test_draws_follow_the_probabilities() -> None:
    real, synthetic = np.array([0.5, 0.0]), np.array([0.2, 0.3, 0.0])
    picks = draw(real, synthetic, 20_000, np.random.default_rng(0))
    assert np.bincount(picks, minlength=5) / 20_000 == pytest.approx([0.5, 0, 0.2, 0.3, 0], abs=0.015)
    assert not np.isin(picks, [1, 4]).any()


def test_validation_sees_each_image_once_or_draws_classes_alike() -> None:
    labels, rng = np.array([0] * 90 + [2] * 10), np.random.default_rng(0)
    once, weights = validation_sample(labels, "once", 4000, rng)
    assert np.array_equal(once, np.arange(100))
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 2].sum())
    rows, alike = validation_sample(labels, "resampled", 4000, rng)
    assert np.array_equal(alike, np.ones(4000)), "the draws balance the classes already"
    assert np.mean(labels[rows] == 2) == pytest.approx(0.5, abs=0.03)
    assert set(rows[labels[rows] == 2]) == set(range(90, 100))
    assert not np.array_equal(rows, validation_sample(labels, "resampled", 4000, rng)[0])


def test_a_class_weighs_as_much_as_another_and_an_image_1_on_average() -> None:
    assert class_weights(np.array([4, 0, 4, 4])).tolist() == [2 / 3, 2, 2 / 3, 2 / 3]
    assert class_weights(np.empty(0, np.int64)).tolist() == []


@pytest.mark.parametrize("per_class", [1, 3, 7, 10, 49])
def test_images_of_classes_of_equal_size_weigh_1_to_the_last_digit(per_class: int) -> None:
    assert np.array_equal(class_weights(np.repeat(np.arange(7), per_class)), np.ones(7 * per_class))
