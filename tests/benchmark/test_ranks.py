"""Mean ranks over the cells of several datasets, computed by hand."""

from __future__ import annotations

import math

import pytest

from benchmark.leaderboard import leaderboard
from benchmark.leaderboard_formats import write
from benchmark.ranks import complete_cells, ranks_over_datasets
from benchmark.records import Record
from benchmark.selection import comparable


def cell(method: str, dataset: str, seed: int, test: float, **more: str) -> Record:
    tags = {"method": method, "dataset": dataset, "preset": "mini", "protocol": "paper", "shots": "4"}
    return Record({**tags, "seed": str(seed), **more}, {"accuracy/test": test})


RECORDS = [
    cell("a", "flowers", 0, 0.5),
    cell("b", "flowers", 0, 0.6),
    cell("a", "pets", 0, 0.9),
    cell("b", "pets", 0, 0.8),
    cell("a", "pets", 1, 0.7),
    cell("b", "pets", 1, 0.7),
    cell("c", "pets", 0, 0.1),
]


def test_ranks_go_over_the_methods_and_cells_that_all_datasets_have():
    (line,) = ranks_over_datasets(comparable(RECORDS))
    assert line == "preset mini · protocol paper: mean rank over 3 cells of flowers, pets: a 1.50, b 1.50"


def test_a_clear_winner_comes_first():
    records = [record for record in RECORDS if record.seed == 0 and record.tags["dataset"] == "pets"]
    records += [cell("a", "flowers", 0, 0.9), cell("b", "flowers", 0, 0.1)]
    assert ranks_over_datasets(comparable(records))[0].endswith("a 1.00, b 2.00")


def test_one_dataset_or_one_common_method_gives_no_line():
    assert ranks_over_datasets(comparable(r for r in RECORDS if r.tags["dataset"] == "pets")) == []
    assert ranks_over_datasets(comparable([RECORDS[0], RECORDS[3]])) == []


def test_presets_and_protocols_are_ranked_apart():
    other = [cell(m, d, 0, 0.5, protocol="as_released") for m in "ab" for d in ("flowers", "pets")]
    assert [line.split(":")[0] for line in ranks_over_datasets(comparable([*RECORDS, *other]))] == [
        "preset mini · protocol as_released",
        "preset mini · protocol paper",
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_makes_its_cell_incomplete(value: float):
    records = [cell("a", "pets", 0, value), cell("b", "pets", 0, 0.5), cell("a", "pets", 1, 0.4), RECORDS[5]]
    assert complete_cells(["a", "b"], records) == {"a": [0.4], "b": [0.7]}


def test_the_leaderboard_tells_them_once_at_its_end():
    boards = leaderboard(comparable(RECORDS))
    assert [len(board.over_datasets) for board in boards] == [0, 1]
    text = write(boards, "table")
    assert text.count("mean rank over 3 cells of flowers, pets") == 1
    assert text.splitlines()[-1].startswith("preset mini")
