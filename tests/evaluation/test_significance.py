"""Paired tests, compared with hand computations and by their false-alarm rate."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.stats import PermutationMethod, binom, rankdata
from scipy.stats import wilcoxon as scipys_wilcoxon

from evaluation.significance import holm, mean_ranks, paired_bootstrap, wilcoxon


def test_the_paired_bootstrap_is_that_of_drawing_the_images_one_by_one() -> None:
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [8, 40])
    advantage, times = rng.choice([-1.0, 0.0, 2.0], 48, p=[0.3, 0.4, 0.3]), np.full(48, 2.0)
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    observed = np.mean([(advantage[own] / times[own]).mean() for own in classes])
    drawn = [np.mean([rng.choice(advantage[own] / 2, len(own) - 1).mean() for own in classes]) for _ in range(4000)]
    expected = np.mean(np.abs(np.array(drawn) - observed) >= abs(observed))
    assert 0.01 < expected < 0.5
    assert paired_bootstrap(advantage, times, labels) == pytest.approx(expected, abs=0.03)


def test_a_clear_difference_is_significant_and_no_difference_is_not() -> None:
    labels = np.repeat([0, 1], 100)
    better = (np.arange(200) % 5 == 0).astype(float)
    assert paired_bootstrap(better, np.ones(200), labels) < 0.01
    assert paired_bootstrap(np.zeros(200), np.ones(200), labels) == 1.0


def test_which_method_is_the_first_does_not_matter() -> None:
    advantage, labels = np.where(np.arange(60) % 4 == 0, 1.0, 0.0), np.repeat([0, 1], [20, 40])
    p = paired_bootstrap(advantage, np.ones(60), labels)
    assert paired_bootstrap(-advantage, np.ones(60), labels) == pytest.approx(p, abs=0.01)
    assert p < 0.01


def test_an_image_counts_as_often_as_it_occurs() -> None:
    """The second method wins one image of 3 cells, the first wins 5 of one cell: 2 of 8 answers, not 4 of 6 images."""
    advantage, times = np.array([-3.0, 1, 1, 1, 1, 1]), np.array([3.0, 1, 1, 1, 1, 1])
    totals = {drawn: (5 - drawn - 3 * drawn) / (5 - drawn + 3 * drawn) for drawn in range(6)}
    exact = sum(binom.pmf(drawn, 5, 1 / 6) for drawn, mean in totals.items() if abs(mean - 2 / 8) >= 2 / 8)
    assert 0.5 < exact < 0.7
    assert paired_bootstrap(advantage, times, np.zeros(6, int)) == pytest.approx(exact, abs=0.03)


def test_draws_that_equal_the_difference_but_for_rounding_count_as_large() -> None:
    """1 of 3 images of one class, 2 of 4 of another: some draws are as far from the difference as it is from 0."""
    advantage, labels = np.array([1.0, 0, 0, -1, -1, 0, 0]), np.repeat([0, 1], [3, 4])
    observed, exact = (Fraction(1, 3) - Fraction(1, 2)) / 2, 0.0
    for one, other in product(range(3), range(4)):
        drawn = (Fraction(one, 2) - Fraction(other, 3)) / 2
        if abs(drawn - observed) >= abs(observed):
            exact += binom.pmf(one, 2, 1 / 3) * binom.pmf(other, 3, 1 / 2)
    assert paired_bootstrap(advantage, np.ones(7), labels) == pytest.approx(exact, abs=0.03)


def test_a_class_of_one_image_raises_no_alarm() -> None:
    """Its only image is part of every resample, whatever the other classes show."""
    advantage, labels = np.array([1.0, 0, 0, 0, -1, 0, 0, 0]), np.repeat([0, 1], [7, 1])
    assert paired_bootstrap(advantage, np.ones(8), labels) > 0.5


def test_no_p_value_is_0() -> None:
    """The observed difference counts as one of the resampled ones."""
    assert paired_bootstrap(np.ones(40), np.ones(40), np.repeat([0, 1], 20), resamples=99) == 1 / 100


def test_the_paired_bootstrap_seldom_sees_what_is_not_there() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    alarms = 0
    for trial in range(400):
        one, other = rng.random((2, 120)) < 0.7
        advantage = one.astype(float) - other.astype(float)
        alarms += paired_bootstrap(advantage, np.ones(120), labels, resamples=200, seed=trial) < 0.05
    assert alarms / 400 <= 0.08


def test_few_images_a_class_raise_no_more_false_alarms() -> None:
    rng = np.random.default_rng(0)
    labels, alarms = np.repeat(np.arange(10), 5), 0
    for trial in range(500):
        one, other = rng.random((2, 50)) < 0.7
        advantage = one.astype(float) - other.astype(float)
        alarms += paired_bootstrap(advantage, np.ones(50), labels, resamples=300, seed=trial) < 0.05
    assert alarms / 500 <= 0.07


def test_images_that_recur_in_several_cells_are_not_counted_as_new_ones() -> None:
    """If the cells always agree, the same 50 images evaluated in 10 cells are no more evidence than in one."""
    labels = np.zeros(50, int)
    once = (np.arange(50) % 10 == 0).astype(float)
    ten_times = paired_bootstrap(10 * once, np.full(50, 10.0), labels)
    assert ten_times == paired_bootstrap(once, np.ones(50), labels)


def test_wilcoxon_is_exact_for_few_cells() -> None:
    assert wilcoxon([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]) == pytest.approx(2 / 2**6)
    assert wilcoxon([0.01, 0.02, 0.03, 0.04, 0.05]) > 0.05  # however clear, five cells are not enough


@pytest.mark.parametrize("seed", range(5))
def test_wilcoxon_with_ties_looks_at_every_choice_of_signs(seed: int) -> None:
    values = np.random.default_rng(seed).integers(-3, 6, 9) / 10
    expected = scipys_wilcoxon(values[values != 0], method=PermutationMethod(n_resamples=2**9))
    assert wilcoxon(list(values)) == pytest.approx(expected.pvalue)


def test_many_ties_have_nearly_the_p_value_of_all_choices_of_signs() -> None:
    values = np.repeat(np.arange(1.0, 8), 2)
    values[:10:2] *= -1
    ranks, signs = rankdata(np.abs(values)), np.arange(2**14)[:, None] >> np.arange(14) & 1
    distances = np.abs(signs @ ranks - ranks.sum() / 2)
    exact = (distances >= abs(ranks[values > 0].sum() - ranks.sum() / 2)).mean()
    assert wilcoxon(list(values)) == pytest.approx(exact, rel=0.02)


def test_wilcoxon_takes_ties_and_zeros() -> None:
    assert wilcoxon([0.0, 0.0, 0.0]) == 1.0
    assert wilcoxon([0.1] * 6) == pytest.approx(2 / 2**6)
    assert wilcoxon([0.1] * 5 + [0.0]) == pytest.approx(2 / 2**5)  # a zero is no evidence, so only five remain
    assert wilcoxon([0.0] * 45 + [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]) == pytest.approx(2 / 2**7)


def test_sizes_that_are_equal_but_for_rounding_are_equal() -> None:
    assert wilcoxon([0.9 - 0.8, 0.8 - 0.9, 0.7 - 0.6, 0.2 - 0.1]) == wilcoxon([0.1, -0.1, 0.1, 0.1])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_gives_the_figures_of_rs_multtest() -> None:
    raw = [0.838541367553, 0.642193923795, 0.680845947633, 0.967833824309, 0.71626938238, 0.177096952723]
    raw += [5.23656777208e-05, 0.0202732688798, 0.00028140506198, 0.0149877310796]
    expected = [1.0] * 6 + [5.23656777208e-04, 0.14191288215860, 2.53264555782e-03, 0.11990184863680]
    assert holm(raw) == pytest.approx(expected)


def test_holm_leaves_out_what_has_no_p_value() -> None:
    adjusted = holm([0.02, math.nan, 0.04])
    assert adjusted[0] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.04)


def test_mean_ranks_share_ties() -> None:
    assert mean_ranks({"a": [0.9, 0.5], "b": [0.8, 0.5], "c": [0.1, 0.6]}) == {"a": 1.75, "b": 2.25, "c": 2.0}
    assert mean_ranks({"a": [], "b": []}) == {}
