"""From tracked cells to ranked rows, and the statements made about them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from statistics import mean

import pytest
from scipy.stats import ttest_1samp

import methods  # noqa: F401
from benchmark.leaderboard import leaderboard
from benchmark.leaderboard_formats import write
from benchmark.records import Record
from benchmark.selection import comparable
from datasets.errors import UserError
from tests.benchmark.leaderboard_cells import DIAGEN, STANDARD, TEST, UNCOMMON, board, cell, predictions, row


def test_a_score_is_the_mean_over_seeds_with_students_interval():
    score = row(STANDARD, "standard").scores[UNCOMMON]
    interval = ttest_1samp([0.5, 0.6, 0.7], 0).confidence_interval(0.95)
    assert score.values == {0: 0.5, 1: 0.6, 2: 0.7}
    assert score.mean == pytest.approx(0.6)
    assert score.over_seeds == pytest.approx((interval.low, interval.high))


def test_shares_end_at_0_and_100_and_other_metrics_do_not():
    two = [cell("diagen", seed, value) for seed, value in enumerate((0.6667, 0.9167))]
    measures = ("frechet_distance", "precision", "recall", "coverage", "near_copies", "authenticity")
    frechet, *shares = (f"{name}/pooled" for name in measures)
    of_seed = (dict.fromkeys([frechet, *shares], float(seed)) for seed in range(2))
    two = [replace(own, metrics={**own.metrics, **more}) for own, more in zip(two, of_seed, strict=True)]
    scores = row(two, "diagen").scores
    assert {scores[name].over_seeds for name in (UNCOMMON, *shares)} == {(0.0, 1.0)}
    assert scores[frechet].over_seeds == pytest.approx((-5.8531, 6.8531), abs=1e-4)
    assert " 79.2 [0.0, 100.0] " in write([board(two)], "table")


def test_one_seed_has_an_interval_over_its_test_images_alone_and_it_is_marked():
    logged = {f"predictions_{name}": predictions(150, 50) for name in ("test", "uncommon")}
    one = [cell("standard", 0, 0.75, tables=logged)]
    score = row(one, "standard").scores[UNCOMMON]
    assert score.over_seeds is None
    assert score.over_images is not None
    low, high = score.over_images
    normal = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert (0.75 - low, high - 0.75) == pytest.approx((normal, normal), rel=0.15)
    text = write([board(one)], "table")
    assert f"75.0 [{100 * low:.1f}, {100 * high:.1f}]†" in text
    assert "†: one seed, or seeds that agree: the interval is over its test images (95%, bootstrap or exact)" in text


def test_the_interval_over_images_of_several_seeds_has_their_mean_bounds():
    tables = [{"predictions_uncommon": predictions(150, 50)}, {"predictions_uncommon": predictions(100, 100)}]
    both = [cell("standard", seed, 0.75 - seed / 4, tables=own) for seed, own in enumerate(tables)]
    alone = [row([one], "standard").scores[UNCOMMON].over_images for one in both]
    lower, upper = zip(*(interval for interval in alone if interval), strict=True)
    assert row(both, "standard").scores[UNCOMMON].over_images == pytest.approx((mean(lower), mean(upper)))


def test_the_interval_over_images_is_that_of_the_mean_over_classes():
    """90% of 100 cars and 50% of 10 cows give a mean of 70%, far from the share over all images."""
    found = ["car"] * 90 + ["cow"] * 15 + ["car"] * 5
    table = {"label": ["car"] * 100 + ["cow"] * 10, "prediction": found}
    score = row([cell("standard", 0, 0.7, tables={"predictions_uncommon": table})], "standard").scores[UNCOMMON]
    assert score.over_images is not None
    low, high = score.over_images
    assert low < 0.6 < 0.8 < high


def test_without_predictions_one_seed_has_no_interval_and_that_is_said():
    text = write([board([cell("standard", 0, 0.75)])], "table")
    assert " 75.0†" in text
    assert "†: one seed, or seeds that agree: no interval\n" in text
    told = cell("diagen", 0, 0.75, tables={"predictions_uncommon": predictions(150, 50)})
    text = write([board([told, cell("standard", 0, 0.75)])], "table")
    assert "†: one seed, or seeds that agree: the interval, where there is one, is over its test images" in text


def test_the_best_mean_uncommon_accuracy_comes_first():
    assert [row.label for row in board(STANDARD + DIAGEN).rows] == ["diagen", "standard"]


def test_without_uncommon_settings_the_test_set_ranks():
    found = board([cell("standard", 0, None), cell("diagen", 0, None)])
    assert found.ranked_by == TEST
    assert found.notes == ()


def test_mean_ranks_go_over_shots_and_seeds_and_ties_share_theirs():
    more = [cell("standard", 0, 0.4, shots=8), cell("diagen", 0, 0.9, shots=8)]
    for own in leaderboard(comparable(STANDARD + DIAGEN + more)):
        # 0.5 < 0.8, 0.6 < 0.7, 0.7 > 0.6 and, with eight shots, 0.4 < 0.9
        assert {row.label: row.rank for row in own.rows} == {"standard": 1.75, "diagen": 1.25}
        assert own.ranked_cells == 4
    tied = board([cell("standard", 0, 0.1 + 0.2), cell("diagen", 0, 0.3)])
    assert [row.rank for row in tied.rows] == [1.5, 1.5]


def test_costs_are_the_seconds_of_all_stages_and_the_images_of_a_second():
    found = row(STANDARD + DIAGEN, "diagen")
    assert (found.seconds, found.images_per_second) == (62.0, 8.0)
    assert row(STANDARD + DIAGEN, "standard").images_per_second is None


def test_each_number_of_shots_is_a_board_and_protocols_are_kept_apart():
    records = [cell("standard", 0, 0.5), cell("standard", 0, 0.6, shots=8), cell("standard", 0, 0.7, protocol="x")]
    assert [own.title for own in leaderboard(comparable(records))] == [
        "mini_focus · preset mini · protocol paper · 4 shots",
        "mini_focus · preset mini · protocol paper · 8 shots",
        "mini_focus · preset mini · protocol x · 4 shots",
    ]


def test_cells_that_another_method_or_other_shots_have_are_missing_and_show():
    boards = leaderboard(comparable([*STANDARD, *DIAGEN[:2], cell("standard", 3, 0.4, shots=8)]))
    assert [(row.label, row.seeds, row.missing) for row in boards[0].rows] == [
        ("diagen", (0, 1), (2, 3)),
        ("standard", (0, 1, 2), (3,)),
    ]
    never_run = boards[1].rows[1]
    assert (never_run.label, never_run.seeds, dict(never_run.scores)) == ("diagen", (), {})
    four, eight = write(boards, "table").split("\n\n")[:2]
    assert "2 of 4" in four
    assert "missing: diagen, seeds 2, 3" in four
    assert next(line for line in eight.splitlines() if line.startswith("diagen")).split()[1:5] == ["–"] * 4
    assert "missing: diagen, seeds 0, 1, 2, 3" in eight


def test_cells_that_not_all_methods_finished_do_not_count_for_ranks():
    found = board([*STANDARD, DIAGEN[2]])
    assert ({row.label: row.rank for row in found.rows}, found.ranked_cells) == ({"standard": 1.0, "diagen": 2.0}, 1)
    apart = board([STANDARD[0], DIAGEN[1]])
    assert ([row.rank for row in apart.rows], apart.ranked_cells) == ([None, None], 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_a_number_is_missing_and_that_is_said(value: float):
    found = board([*DIAGEN[:2], cell("diagen", 2, value)])
    assert found.rows[0].scores[UNCOMMON].values == {0: 0.8, 1: 0.7}
    assert found.notes == (f"diagen, seed 2: {UNCOMMON} is {value}, counted as missing",)
    json.loads(write([found], "json"))


def test_runs_whose_artifacts_are_gone_are_counted():
    found = board([cell("standard", 0, 0.5), cell("standard", 1, 0.6, tables={})])
    assert found.notes == ("1 run without predictions and images: the artifacts are not where MLflow looks for them",)


def test_a_metric_that_an_old_run_lacks_is_named():
    old = cell("diagen", 1, None)
    assert board([DIAGEN[0], old]).notes == (f"diagen, seed 1: no {UNCOMMON}",)
    found = board([*STANDARD[:2], old])
    assert [row.label for row in found.rows] == ["standard", "diagen"]
    assert found.notes == (f"diagen, seed 1: no {UNCOMMON}",)


def test_what_was_left_out_is_said_below_the_table():
    text = write([board([*STANDARD, cell("diagen", 0, 0.5, status="FAILED")])], "table")
    assert "1 run failed" in text


def test_no_runs_is_a_users_matter():
    with pytest.raises(UserError, match="python -m benchmark run"):
        leaderboard(comparable([cell("standard", 0, 0.5, status="RUNNING")]))


def test_every_two_methods_are_compared_in_words_on_both_test_sets():
    same = {f"predictions_{name}": predictions(90, 10) for name in ("test", "uncommon")}
    records = [cell(name, seed, 0.5 + seed / 10, tables=same) for name in ("a", "b", "c") for seed in range(3)]
    found = board(records)
    assert [comparison.test_set for comparison in found.comparisons] == ["test"] * 3 + ["uncommon"] * 3
    text = write([found], "table")
    assert "All pairs of methods, compared by seed at k = 4; p after Holm's correction:" in text
    assert text.count("- no significant difference between ") == 3
    assert "between a and b on uncommon" in text
    assert " on test " not in text


def test_a_clear_difference_is_said_after_the_last_board_of_its_group():
    records = [
        cell(name, seed, value + gain * seed + shots / 50, shots=shots)
        for name, value, gain in (("standard", 0.3, 0.01), ("diagen", 0.49, 0.02))
        for seed in range(3)
        for shots in (4, 8)
    ]
    texts = write(leaderboard(comparable(records)), "table").split("\n\n")
    assert ["diagen is better than standard on uncommon by 20.0 points" in text for text in texts[:3]] == [
        False,
        False,
        True,
    ]
    assert "at k = 4, 8" in texts[2]


def test_of_many_pairs_only_clear_differences_are_told():
    records = [cell(f"method{place}", seed, 0.5 + 0.01 * seed * place) for place in range(6) for seed in range(2)]
    text = write([board(records)], "table")
    assert "no significant difference between" not in text
    assert "- no pair differs significantly (15 tested)" in text


def test_pairs_that_are_not_told_are_others_only_beside_some_that_are():
    better = [cell("method0", seed, 0.9 + 0.001 * seed) for seed in range(4)]
    alike = [cell(f"method{place}", seed, 0.1 * place) for place in range(1, 6) for seed in range(4)]
    noisy = [cell("method6", seed, 0.3 * seed) for seed in range(4)]
    text = write([board([*better, *alike, *noisy])], "table")
    assert "method0 is better than method1" in text
    assert re.search(r"- no other pair with enough seeds differs significantly \(\d+ tested\)", text)
    assert "- too few seeds to tell 10 of 21 pairs apart" in text  # the pairs whose difference never varies


def test_of_many_pairs_with_one_seed_none_is_said_to_be_tested():
    text = write([board([cell(f"method{place}", 0, 0.1 * place) for place in range(6)])], "table")
    assert "- too few seeds to tell any of 15 pairs apart" in text
    assert "differs significantly" not in text


def test_json_has_no_p_value_where_there_is_none():
    read = json.loads(write([board([STANDARD[0], DIAGEN[0]])], "json"))[0]
    comparison = next(pair for pair in read["comparisons"] if pair["test_set"] == "uncommon")
    assert (comparison["first"], comparison["second"], comparison["cells"]) == ("diagen", "standard", 1)
    assert (comparison["p"], comparison["significant"]) == (None, False)
    assert comparison["verdict"].startswith("too few seeds to tell diagen and standard apart")


def test_one_method_alone_is_compared_with_nothing():
    assert "All pairs of methods" not in write([board(STANDARD)], "table")


@pytest.mark.parametrize(("records", "cells"), [(STANDARD[:1], "1 cell"), (STANDARD, "3 cells")])
def test_the_legend_counts_the_cells_that_rank(records: list[Record], cells: str):
    assert f"rank: mean over the {cells} (shots, seed) that all methods finished" in write([board(records)], "table")
