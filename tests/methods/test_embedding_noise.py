"""Eq. 1: v + ε with ε ~ N(0, σ²I), one draw per class and index of a noise level."""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from methods.embedding_noise import noisy_words

WORDS = [np.full(4000, label, np.float32) for label in range(3)]


def test_the_noise_has_the_levels_deviation_and_level_zero_is_clean() -> None:
    levels = (0.0, 0.005, 0.025)
    for word, noisy in zip(WORDS, noisy_words(WORDS, levels, seed=1), strict=True):
        np.testing.assert_array_equal(noisy[0], word)
        for level, vector in zip(levels[1:], noisy[1:], strict=True):
            assert vector.dtype == np.float32
            assert abs(float((vector - word).std()) / level - 1) < 0.05
            assert abs(float((vector - word).mean())) < 4 * level / np.sqrt(4000)


def test_the_noise_is_normal() -> None:
    (clean, noisy), *_ = noisy_words(WORDS, (0.0, 0.01), seed=1)
    assert kstest((noisy - clean) / 0.01, "norm").pvalue > 0.01


def test_draws_of_classes_and_levels_are_unrelated() -> None:
    noisy = noisy_words(WORDS, (0.01, 0.02), seed=1)
    noise = np.array([(vector - word) for word, own in zip(WORDS, noisy, strict=True) for vector in own])
    correlation = np.corrcoef(noise) - np.eye(len(noise))
    assert np.abs(correlation).max() < 0.08


def test_scaled_levels_scale_the_noise_and_leave_its_direction() -> None:
    plain, twice = noisy_words(WORDS, (0.0, 0.01, 0.02), seed=1), noisy_words(WORDS, (0.0, 0.02, 0.04), seed=1)
    for word, own, doubled in zip(WORDS, plain, twice, strict=True):
        np.testing.assert_allclose(doubled - word, 2 * (own - word), atol=1e-6)


def test_another_seed_draws_other_noise() -> None:
    assert not np.array_equal(noisy_words(WORDS, (0.01,), seed=1)[0][0], noisy_words(WORDS, (0.01,), seed=2)[0][0])
