"""Which differences are reported, and with what certainty."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmark.answers import Answers, side_by_side
from benchmark.comparison import Comparison, compare
from benchmark.records import Record
from evaluation.significance import paired_bootstrap

IMAGES = 60


def cell(method: str, seed: int, accuracy: float, predictions: bool = True, shots: int = 4) -> Record:
    """A cell that classifies the first images correctly, up to this accuracy, and the others as neither class."""
    labels = ["cup", "lamp"] * (IMAGES // 2)
    right = round(accuracy * IMAGES)
    predicted = [label if i < right else "neither" for i, label in enumerate(labels)]
    table = {"image": [f"{i}.jpg" for i in range(IMAGES)], "label": labels, "prediction": predicted}
    tags = {"method": method, "shots": str(shots), "seed": str(seed), "dataset": "d"}
    tables = {"predictions_test": table} if predictions else {}
    return Record(tags, {"accuracy/test": accuracy}, tables=tables)


def records(**methods: list[float]) -> list[Record]:
    return [cell(name, seed, value) for name, values in methods.items() for seed, value in enumerate(values)]


def one(found: list[Comparison]) -> Comparison:
    (comparison,) = found
    return comparison


def test_a_steady_difference_is_significant_and_said_with_its_size() -> None:
    comparison = one(compare(records(a=[0.5, 0.6, 0.4], b=[0.7, 0.81, 0.6]), "test"))
    assert comparison.significant
    assert comparison.difference == pytest.approx(-0.61 / 3)
    assert comparison.interval is not None
    low, high = (f"{-100 * bound:.1f}" for bound in reversed(comparison.interval))
    better = f"b is better than a on test by 20.3 points (3 cells of 3 seeds; 95% interval {low} to {high}; p "
    assert comparison.verdict.startswith(better)
    assert "after Holm's correction" in comparison.verdict


def test_the_interval_counts_the_chance_of_test_images_where_predictions_are_known() -> None:
    values = {"a": [0.5, 0.6, 0.4], "b": [0.7, 0.81, 0.6]}
    alone = [cell(name, seed, value, predictions=False) for name in values for seed, value in enumerate(values[name])]
    of_seeds, of_both = one(compare(alone, "test")).interval, one(compare(records(**values), "test")).interval
    assert of_seeds == pytest.approx((-0.2177, -0.1890), abs=1e-4)
    assert of_both is not None
    assert of_both[1] - of_both[0] > 2 * (-0.1890 + 0.2177)


def test_a_difference_that_other_seeds_reverse_is_said_to_be_none() -> None:
    comparison = one(compare(records(a=[0.5, 0.9, 0.7], b=[0.6, 0.7, 0.75]), "test"))
    assert not comparison.significant
    assert comparison.verdict.startswith("no significant difference between a and b on test (1.7 points; 3 cells")
    assert comparison.interval is not None
    low, high = comparison.interval
    assert low < 0 < high
    assert f"95% interval {100 * low:.1f} to {100 * high:.1f}" in comparison.verdict


def test_shots_of_one_seed_are_not_taken_for_seeds() -> None:
    """The shots of a seed are nested: nine cells of three seeds count as three, and those of one seed show nothing."""
    of_seeds = {"a": (0.5, 0.6, 0.4), "b": (0.6, 0.72, 0.48)}
    cells = [cell(m, s, v, shots=k) for m, values in of_seeds.items() for s, v in enumerate(values) for k in (2, 4, 8)]
    once = one(compare([own for own in cells if own.shots == 4], "test"))
    often = one(compare(cells, "test"))
    assert (often.cells, often.seeds, often.p) == (9, 3, pytest.approx(once.p))
    single = one(compare([own for own in cells if own.seed == 0], "test"))
    assert single.verdict.startswith("too few seeds to tell a and b apart on test (10.0 points; 3 cells of 1 seed;")


def test_cells_of_few_seeds_are_many_enough_for_wilcoxons_test() -> None:
    """Wilcoxon's test treats cells as independent, so six cells of three seeds count as six."""
    cells = [cell(m, s, 0.5 + 0.1 * (m == "a") + s / 50, shots=k) for m in "ab" for s in range(3) for k in (2, 4)]
    assert one(compare(cells, "test")).p_wilcoxon == pytest.approx(2 / 2**6)
    assert math.isnan(one(compare([own for own in cells if own.shots == 4], "test")).p_wilcoxon)


def test_in_which_order_records_come_does_not_matter() -> None:
    cells = records(c=[0.5, 0.6, 0.4], a=[0.7, 0.81, 0.6], b=[0.5, 0.7, 0.45])
    assert compare(cells, "test") == compare(cells[::-1], "test")


def test_what_more_shots_do_does_not_count_as_what_seeds_do() -> None:
    """With every seed, `a` leads by 8 points at k = 2 and by none at k = 8, for which there is only one seed."""
    found = [(2, seed) for seed in range(5)] + [(8, 0)]
    cells = [cell(m, seed, 0.5 + 0.08 * (m == "a" and k == 2) + seed / 50, shots=k) for k, seed in found for m in "ab"]
    comparison = one(compare(cells, "test"))
    assert (comparison.shots, comparison.seeds, comparison.left_out) == ((2,), 5, 1)
    assert comparison.difference == pytest.approx(0.08)
    assert "1 cell left out, so that both have every seed at k = 2" in comparison.verdict


@pytest.mark.parametrize(
    ("cells", "shots", "seeds"),
    [
        ([(k, seed) for seed in range(3) for k in (2, 4, 8)][:-1], (2, 4), 3),  # 6 cells either way: more seeds win
        ([(k, seed) for seed in range(5) for k in (2, 4, 8)][:-1], (2, 4, 8), 4),
        ([(2, 0), (4, 0), (4, 1), (8, 1)], (4,), 2),
        ([(2, 0), (4, 1)], (2,), 1),
    ],
)
def test_the_most_cells_are_compared_of_which_every_seed_has_every_k(
    cells: list[tuple[int, int]], shots: tuple[int, ...], seeds: int
) -> None:
    comparison = one(compare([cell(m, seed, 0.5, shots=k) for k, seed in cells for m in "ab"], "test"))
    assert (comparison.shots, comparison.seeds) == (shots, seeds)
    assert comparison.left_out == len(cells) - len(shots) * seeds


def test_six_cells_have_wilcoxons_p_value_too_and_five_have_none() -> None:
    values = [0.5, 0.55, 0.6, 0.45, 0.4, 0.65]
    better = [value + 0.1 + 0.01 * i for i, value in enumerate(values)]
    comparison = one(compare(records(a=values, b=better), "test"))
    assert comparison.p_wilcoxon == pytest.approx(2 / 2**6)
    assert "p = 0.031 by Wilcoxon's test over cells" in comparison.verdict
    assert math.isnan(one(compare(records(a=values[:5], b=better[:5]), "test")).p_wilcoxon)


def test_p_values_are_corrected_for_the_number_of_pairs() -> None:
    values = [0.5, 0.55, 0.6, 0.45, 0.4, 0.65]
    better = [value + 0.1 + 0.01 * i for i, value in enumerate(values)]
    found = compare(records(a=values, b=better, c=[value + 0.001 * i for i, value in enumerate(better)]), "test")
    assert [(c.first, c.second) for c in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].p_wilcoxon == pytest.approx(3 * 2 / 2**6)
    alone = one(compare(records(a=values, b=better), "test"))
    assert found[0].p >= 2 * alone.p


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0003, "< 0.001"), (0.0314, "= 0.031"), (0.0316, "= 0.032"), (0.04966, "< 0.050"), (0.05, "= 0.050")],
)
def test_a_p_value_is_shown_on_its_side_of_the_level(p: float, shown: str) -> None:
    comparison = Comparison("a", "b", "test", shots=(4,), seeds=3, difference=0.1, p=p)
    assert f"p {shown} after Holm's correction" in comparison.verdict
    assert comparison.verdict.startswith("a is better" if p < 0.05 else "no significant")


def test_one_seed_cannot_tell() -> None:
    comparison = one(compare(records(a=[0.5], b=[0.9]), "test"))
    assert math.isnan(comparison.p)
    assert comparison.verdict.startswith("too few seeds to tell a and b apart on test (40.0 points; 1 cell of 1 seed;")


def test_the_same_difference_on_both_seeds_is_no_certainty() -> None:
    comparison = one(compare(records(a=[0.5, 0.6], b=[0.55, 0.65]), "test"))
    assert comparison.verdict.startswith("too few seeds")


def test_only_cells_that_both_finished_count() -> None:
    comparison = one(compare(records(a=[0.5, 0.6, 0.7], b=[0.5]), "test"))
    assert (comparison.cells, comparison.left_out) == (1, 2)
    assert comparison.difference == 0.0
    assert "2 cells left out, so that both have every seed at k = 4" in comparison.verdict


def test_methods_without_a_cell_in_common_are_said() -> None:
    comparison = one(compare([cell("a", 0, 0.5), cell("b", 1, 0.5)], "test"))
    assert comparison.verdict == "a and b have no cell in common with an accuracy on test"


def test_old_runs_without_predictions_are_compared_over_cells_alone() -> None:
    old = [cell(method, seed, 0.5 + seed / 10, predictions=False) for method in "ab" for seed in range(3)]
    comparison = one(compare(old, "test"))
    assert math.isnan(comparison.p_images)
    assert "the choice of test images is left out, since predictions are missing" in comparison.verdict


def test_a_metric_that_is_not_a_number_does_not_count_but_is_said() -> None:
    broken = Record(cell("b", 0, 0.5).tags, {"accuracy/test": math.nan})
    comparison = one(compare([cell("a", 0, 0.5), broken], "test"))
    assert comparison.verdict == "a and b have no cell in common with an accuracy on test"
    beside = one(compare([cell("a", 0, 0.5), broken, cell("a", 1, 0.5), cell("b", 1, 0.5)], "test"))
    assert (beside.cells, beside.left_out) == (1, 1)


def test_a_test_set_that_no_record_has_is_not_compared() -> None:
    assert compare(records(a=[0.5], b=[0.9]), "uncommon") == []


def test_the_images_test_sees_what_one_cell_shows() -> None:
    comparison = one(compare(records(a=[0.5], b=[0.9]), "test"))
    assert comparison.p_images < 0.01
    same = one(compare(records(a=[0.5], b=[0.5]), "test"))
    assert same.p_images == 1.0


def test_of_several_shots_images_count_for_each_cell_and_influences_for_each_seed() -> None:
    def pairs(*shots: int) -> dict[tuple[int, int], tuple[Record, Record]]:
        return {(own, 0): (cell("a", 0, 0.8, shots=own), cell("b", 0, 0.5, shots=own)) for own in shots}

    once, twice = (side_by_side(pairs(*shots), Answers("test")) for shots in ((2,), (2, 4)))
    assert once is not None and twice is not None
    np.testing.assert_allclose(twice.influences, once.influences)
    np.testing.assert_array_equal(twice.advantage, 2 * once.advantage)
    np.testing.assert_array_equal(twice.times, 2 * once.times)
    numbers = np.arange(IMAGES)
    np.testing.assert_array_equal(once.advantage, (numbers >= 30) & (numbers < 48))


def test_each_seed_may_have_test_images_of_its_own() -> None:
    """Rendered datasets have this: an image counts only in the cells that contain it, with its own class."""
    one, other = (cell(method, 0, value) for method, value in (("a", 0.8), ("b", 0.75)))
    pairs = {(4, 0): (one, other), (4, 1): (_every_second(one), _every_second(other))}
    both = side_by_side(pairs, Answers("test"))
    alone = [side_by_side({place: pair}, Answers("test")) for place, pair in pairs.items()]
    assert both is not None and alone[0] is not None and alone[1] is not None
    kept = np.arange(IMAGES) % 2 > 0
    np.testing.assert_array_equal(both.times, 1 + kept)
    np.testing.assert_array_equal(both.influences[:, :1], alone[0].influences)
    np.testing.assert_array_equal(both.influences[kept, 1:], alone[1].influences)
    assert not both.influences[~kept, 1].any()
    assert both.p == paired_bootstrap(both.advantage, both.times, both.labels)
    assert both.p != paired_bootstrap(both.advantage, np.ones(IMAGES), both.labels)


def _every_second(record: Record) -> Record:
    """Keep every second prediction, which are those of the lamps."""
    table = record.tables["predictions_test"]
    return replace(record, tables={"predictions_test": {name: values[1::2] for name, values in table.items()}})


def test_each_test_set_has_predictions_of_its_own() -> None:
    record = cell("a", 0, 0.8)
    uncommon = cell("a", 0, 0.5).tables["predictions_test"]
    outcomes = Answers("uncommon").of(replace(record, tables={**record.tables, "predictions_uncommon": uncommon}))
    assert outcomes is not None
    assert sum(right for _, right in outcomes.values()) == IMAGES // 2


def test_predictions_of_other_images_are_not_compared() -> None:
    pair = cell("a", 0, 0.8), cell("b", 0, 0.5)
    fewer = {name: values[:-2] for name, values in pair[0].tables["predictions_test"].items()}
    assert side_by_side({(4, 0): pair}, Answers("test")) is not None
    others = replace(pair[0], tables={"predictions_test": fewer}), pair[1]
    assert side_by_side({(4, 0): others}, Answers("test")) is None
    renamed = {**pair[0].tables["predictions_test"], "image": [f"other {i}.jpg" for i in range(IMAGES)]}
    others = replace(pair[0], tables={"predictions_test": renamed}), pair[1]
    assert side_by_side({(4, 0): others}, Answers("test")) is None


def test_a_cell_without_predictions_leaves_all_cells_without_the_images_test() -> None:
    cells = {(4, seed): (cell("a", seed, 0.8, predictions=seed > 0), cell("b", seed, 0.5)) for seed in (0, 1)}
    assert side_by_side(cells, Answers("test")) is None


def test_no_method_name_breaks_a_verdict() -> None:
    comparison = one(compare(records(**{"<b>|_$": [0.5, 0.6], "ü 😀": [0.5, 0.6]}), "test"))
    assert "<b>|_$ and ü 😀" in comparison.verdict
    assert np.isfinite(comparison.difference)
