"""Intervals, compared with hand computations and by their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.intervals import bootstrap_interval, mean_interval, share_interval


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_of_a_mean_is_its_standard_error_by_students_t(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    half = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / count**0.5
    assert mean_interval(list(values)) == pytest.approx((values.mean() - half, values.mean() + half))


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_value_has_no_interval(values: list[float]) -> None:
    assert mean_interval(values) is None


def test_the_interval_of_shares_ends_at_0_and_1() -> None:
    assert mean_interval([0.0, 1.0]) == pytest.approx((0.5 - 12.7062047364 / 2, 0.5 + 12.7062047364 / 2))
    assert share_interval([0.0, 1.0]) == (0.0, 1.0)
    low, high = share_interval([0.9, 0.95, 1.0]) or (0, 0)
    assert low == pytest.approx(0.95 - 4.30265272991 * 0.05 / 3**0.5)
    assert high == 1.0
    assert share_interval([0.5, 0.6, 0.7]) == mean_interval([0.5, 0.6, 0.7])
    assert share_interval([0.5]) is None


def test_seeds_that_agree_have_no_interval_of_no_width() -> None:
    """With six images per seed, two seeds often have four right."""
    assert share_interval([4 / 6, 4 / 6]) is None
    assert mean_interval([1 / 6, 1 / 6]) is None
    assert share_interval([0.61, 0.6100000000000001]) is None  # the same accuracies of classes, added in another order


def test_the_bootstrap_agrees_with_resampling_image_by_image() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [40, 25, 10])
    correct = rng.random(75) < np.array([0.9, 0.5, 0.7])[labels]
    means = []
    for _ in range(4000):
        parts = [rng.choice(correct[labels == label], (labels == label).sum() - 1).mean() for label in range(3)]
        means.append(np.mean(parts))
    expected = np.quantile(means, [0.025, 0.975])
    assert bootstrap_interval(correct, labels, resamples=4000) == pytest.approx(tuple(expected), abs=0.015)


def test_the_bootstrap_has_the_unbiased_variance() -> None:
    labels, correct = np.repeat([0, 1, 2, 3], 5), np.tile([True, True, False, True, False], 4)
    low, high = bootstrap_interval(correct, labels, resamples=20_000) or (0, 0)
    error = np.sqrt(np.var(correct[:5], ddof=1) / 5 / 4)
    assert (high - low) / 2 / 1.96 == pytest.approx(error, rel=0.15)  # the bootstrap mean takes few values


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    labels, truth = np.repeat([0, 1], 60), np.array([0.8, 0.4])
    covered = 0
    for trial in range(300):
        low, high = bootstrap_interval(rng.random(120) < truth[labels], labels, resamples=300, seed=trial) or (0, 0)
        covered += low <= truth.mean() <= high
    assert 0.91 <= covered / 300 <= 0.98


def test_six_right_of_six_are_not_certain() -> None:
    labels, lowest = np.repeat([0, 1, 2], 2), 0.025 ** (1 / 6)  # the solution of p⁶ = 2.5%
    assert bootstrap_interval(np.ones(6, bool), labels) == pytest.approx((lowest, 1.0))
    assert bootstrap_interval(np.zeros(6, bool), labels) == pytest.approx((0.0, 1 - lowest))


def test_classes_that_are_all_right_or_all_wrong_have_the_exact_interval_of_the_smallest_of_them() -> None:
    labels = np.repeat([0, 1, 2], [2, 2, 7])
    expected = stats.binomtest(4, 6).proportion_ci(0.95, method="exact")
    assert bootstrap_interval(labels > 0, labels) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("truth", [(0.9, 0.9, 0.9), (0.7, 1.0, 1.0), (1.0, 1.0, 0.7)])
def test_a_truth_below_the_interval_has_all_right_in_2_5_percent_at_most(truth: tuple[float, ...]) -> None:
    """This holds even if the smallest class is the hardest."""
    missed = []
    for few in range(1, 40):
        sizes = [few, few, few + 4]
        interval = bootstrap_interval(np.ones(sum(sizes), bool), np.repeat([0, 1, 2], sizes))
        assert interval is not None
        if np.mean(truth) < interval[0]:
            missed.append(np.prod(np.power(truth, sizes)))
    assert missed
    assert max(missed) <= 0.025


def test_without_images_there_is_no_interval() -> None:
    assert bootstrap_interval(np.empty(0, bool), np.empty(0, int)) is None


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    """The classes have different sizes, so their mean takes many values."""
    labels = np.repeat(np.arange(4), [29, 31, 37, 41])
    correct = np.arange(len(labels)) % 3 > 0
    first, again, other = (bootstrap_interval(correct, labels, seed=seed) for seed in (5, 5, 6))
    assert first == again != other


def test_a_class_of_one_image_says_nothing_of_its_variance() -> None:
    """Its only image is part of every resample."""
    correct, labels = np.array([True, False] * 10 + [True]), np.repeat([0, 1], [20, 1])
    low, high = bootstrap_interval(correct[:20], labels[:20]) or (0, 0)
    assert bootstrap_interval(correct, labels) == pytest.approx(((low + 1) / 2, (high + 1) / 2))
