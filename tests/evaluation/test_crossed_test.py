"""The paired test over seeds and test images: compared with scipy and resampling, and by its false-alarm rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.arrays import Doubles, Indices
from evaluation.crossed_test import crossed_test, image_covariance, image_influence
from evaluation.significance import wilcoxon


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_without_common_images_it_is_the_paired_t_test(seeds: int) -> None:
    differences = np.random.default_rng(seeds).normal(0.02, 0.02, seeds)
    expected = stats.ttest_1samp(differences, 0.0)
    interval, p = crossed_test(list(differences))
    assert p == pytest.approx(expected.pvalue)
    assert interval == pytest.approx(tuple(expected.confidence_interval()))


def test_common_images_widen_the_interval_but_not_by_students_factor() -> None:
    differences = [0.01, 0.03, 0.05]
    (low, high), p = crossed_test(differences, covariance=0.01**2)  # type: ignore[misc]
    of_seeds = np.var(differences, ddof=1) / 3
    freedom = 2 * (1 + 0.01**2 / of_seeds) ** 2
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(of_seeds + 0.01**2))
    assert p == pytest.approx(2 * stats.t.sf(0.03 / np.sqrt(of_seeds + 0.01**2), freedom))


def test_two_seeds_leave_one_degree_of_freedom_whatever_the_images_say() -> None:
    interval, p = crossed_test([1.0, 3.0], covariance=0.5)
    reach = stats.t.ppf(0.975, 1) * 1.5**0.5
    assert interval == pytest.approx((2 - reach, 2 + reach))
    assert p == pytest.approx(2 * stats.t.sf(2 / 1.5**0.5, 1))


def test_one_seed_or_seeds_that_do_not_vary_cannot_tell() -> None:
    assert 0.7 - 0.6 != 0.8 - 0.7, "the same difference but for rounding"
    for differences in ([], [0.2], [0.0], [0.7 - 0.6, 0.8 - 0.7]):
        interval, p = crossed_test(differences)
        assert interval is None
        assert np.isnan(p)
    assert crossed_test([0.0, 0.0]) == (None, 1.0)
    assert crossed_test([0.1 + 0.2 - 0.3, 0.0]) == (None, 1.0)


def test_influences_are_the_variance_over_images() -> None:
    rng = np.random.default_rng(0)
    labels, advantage = np.repeat([0, 1], [40, 10]), rng.integers(-1, 2, 50).astype(float)
    by_hand = (np.var(advantage[:40], ddof=1) / 40 + np.var(advantage[40:], ddof=1) / 10) / 4
    assert (image_influence(advantage, labels) ** 2).sum() == pytest.approx(by_hand)


def test_a_class_of_one_image_adds_nothing() -> None:
    assert image_influence(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 1]))[2] == 0


def test_the_covariance_is_that_of_resampled_images() -> None:
    rng = np.random.default_rng(1)
    labels, taste = np.repeat([0, 1, 2], 30), rng.normal(size=90)
    seeds = [np.sign(taste + rng.normal(size=90)) for _ in range(3)]
    rows = np.concatenate([30 * c + rng.integers(0, 30, (20_000, 30)) for c in range(3)], axis=1)
    covariances = np.cov([differences[rows].mean(axis=1) for differences in seeds])
    expected = covariances[~np.eye(3, dtype=bool)].mean() * 30 / 29
    influences = np.stack([image_influence(differences, labels) for differences in seeds], axis=1)
    assert image_covariance(influences) == pytest.approx(expected, rel=0.05)


def test_one_seed_has_no_covariance_and_none_is_negative() -> None:
    assert image_covariance(np.ones((5, 1))) == 0.0
    assert image_covariance(np.array([[1.0, -1.0], [0.5, -0.5]])) == 0.0


def outcomes(rng: np.random.Generator, seeds: int, shots: int) -> tuple[Doubles, Indices]:
    """Whether each of two equally good methods recognises each image, of shape (2, seeds, shots, images)."""
    labels = np.repeat(np.arange(10), 16)
    hard, taste = rng.normal(0, 1.5, 160), rng.normal(0, 0.8, (2, 1, 1, 160))
    of_seed = rng.normal(0, 0.15, (2, seeds, 1, 1))
    logits = 0.8 + hard + taste + of_seed + rng.normal(0, 0.5, (2, seeds, shots, 160))
    return (logits > 0).astype(float), labels


def test_equal_methods_are_seldom_told_apart_where_the_tests_over_cells_and_over_all_answers_often_do() -> None:
    rng = np.random.default_rng(0)
    alarms = np.zeros(3)
    for _ in range(400):
        right, labels = outcomes(rng, seeds=3, shots=3)
        advantage = right[0] - right[1]
        influences = np.stack([image_influence(own.mean(axis=0), labels) for own in advantage], axis=1)
        _, crossed = crossed_test(list(advantage.mean(axis=(1, 2))), image_covariance(influences))
        over_cells = wilcoxon(list(advantage.mean(axis=2).ravel()))
        wins, losses = int((advantage > 0).sum()), int((advantage < 0).sum())
        mcnemar = stats.binomtest(wins, wins + losses).pvalue
        alarms += [p < 0.05 for p in (crossed, over_cells, mcnemar)]
    share = alarms / 400
    assert share[0] <= 0.08
    assert share[1] > 0.2
    assert share[2] > 0.2
