"""Paired tests, against hand computations and by their rate of false alarms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.significance import holm, mcnemar, mean_ranks, paired_bootstrap, paired_t, wilcoxon


def test_mcnemar_counts_the_images_on_which_one_alone_is_right() -> None:
    one = np.array([True] * 9 + [False] * 1 + [True] * 50)
    other = np.array([False] * 9 + [True] * 1 + [True] * 50)
    by_hand = 2 * (1 + 10) / 2**10  # at most 1 of 10 discordant pairs, either way
    assert mcnemar(one, other) == pytest.approx(by_hand)
    assert mcnemar(other, one) == pytest.approx(by_hand)


def test_mcnemar_of_equal_answers_is_1() -> None:
    same = np.array([True, False])
    assert mcnemar(same, same) == 1.0


def test_the_paired_bootstrap_finds_the_difference_of_the_class_means() -> None:
    labels = np.array([0, 0, 1, 1, 1, 1])
    found = paired_bootstrap(np.array([2.0, 0, 1, 0, 0, -1]), np.full(6, 2.0), labels)
    assert found.difference == pytest.approx((2 / 4 + 0 / 8) / 2)
    assert found.interval[0] <= found.difference <= found.interval[1]


def test_a_clear_difference_is_significant_and_no_difference_is_not() -> None:
    labels = np.repeat([0, 1], 100)
    better = (np.arange(200) % 5 == 0).astype(float)
    assert paired_bootstrap(better, np.ones(200), labels).p < 0.01
    assert paired_bootstrap(np.zeros(200), np.ones(200), labels).p == 1.0


def test_the_paired_bootstrap_seldom_sees_what_is_not_there() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    alarms = 0
    for trial in range(400):
        one, other = rng.random((2, 120)) < 0.7
        advantage = one.astype(float) - other.astype(float)
        alarms += paired_bootstrap(advantage, np.ones(120), labels, resamples=200, seed=trial).p < 0.05
    assert alarms / 400 <= 0.08


def test_images_that_recur_in_several_cells_are_not_counted_as_new_ones() -> None:
    """The same 50 images judged in 10 cells say no more than in one, where the cells always agree."""
    labels = np.zeros(50, int)
    once = (np.arange(50) % 10 == 0).astype(float)
    ten_times = paired_bootstrap(10 * once, np.full(50, 10.0), labels)
    assert ten_times.p == paired_bootstrap(once, np.ones(50), labels).p


def test_wilcoxon_is_exact_for_few_cells() -> None:
    assert wilcoxon([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]) == pytest.approx(2 / 2**6)
    assert wilcoxon([0.01, 0.02, 0.03, 0.04, 0.05]) > 0.05  # however clear, five cells are too few


def test_wilcoxon_takes_ties_and_zeros() -> None:
    assert wilcoxon([0.0, 0.0, 0.0]) == 1.0
    assert 0 < wilcoxon([0.1, 0.1, 0.0, 0.1, -0.1, 0.1, 0.1]) < 1


def test_the_paired_t_test_of_three_cells_by_hand() -> None:
    differences = np.array([0.01, 0.03, 0.05])
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(3))
    by_hand = 1 - t / math.sqrt(2 + t**2)  # Student's distribution with two degrees of freedom
    assert paired_t(list(differences)) == pytest.approx(by_hand)


def test_the_paired_t_test_of_equal_differences_and_of_one() -> None:
    assert paired_t([0.25, 0.25]) == 0.0
    assert paired_t([0.0, 0.0]) == 1.0
    assert math.isnan(paired_t([0.2]))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_leaves_out_what_has_no_p_value() -> None:
    adjusted = holm([0.02, math.nan, 0.04])
    assert adjusted[0] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.04)


def test_mean_ranks_share_ties() -> None:
    assert mean_ranks({"a": [0.9, 0.5], "b": [0.8, 0.5], "c": [0.1, 0.6]}) == {"a": 1.75, "b": 2.25, "c": 2.0}
    assert mean_ranks({"a": [], "b": []}) == {}
