"""Which run is chosen: the one that is named, or the latest that made images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.chosen_cell import choose_cell
from benchmark.records import Record
from benchmark.tracking import PARENT
from datasets.errors import UserError
from tests.benchmark.leaderboard_cells import LOGGED


def cell(run: str, ended: int = 1, method: str = "diagen", seed: int = 0, status: str = "FINISHED", **tags: str):
    own = {"method": method, "dataset": "mini_focus", "shots": "4", "seed": str(seed), PARENT: "parent", **tags}
    tables = LOGGED if method == "standard" else {"plan": {"image": ["1"]}}
    return Record(own, {}, ended, status, run, tables=tables)


def complaint(cells: list[Record], run: str = "", **narrowed: str) -> str:
    with pytest.raises(UserError) as caught:
        choose_cell(cells, run, **narrowed)
    return str(caught.value)


def test_the_latest_finished_cell_with_images_is_taken():
    cells = [cell("a", 1), cell("b", 3), cell("c", 2), cell("d", 4, "standard"), cell("e", 0, status="RUNNING")]
    assert choose_cell(cells).run == "b"


def test_a_dataset_and_a_method_narrow_the_choice():
    cells = [cell("a", 1, "da_fusion"), cell("b", 2, dataset="coco"), cell("c", 3)]
    assert choose_cell(cells, method="da_fusion").run == "a"
    assert choose_cell(cells, dataset="coco").run == "b"


def test_one_of_several_folders_is_chosen_by_the_name_that_a_leaderboard_shows():
    folders = [cell(name, dataset="imagefolder", data_fingerprint=name) for name in ("dogs", "birds")]
    assert choose_cell(folders, dataset="imagefolder (dogs)").run == "dogs"
    assert choose_cell(folders, dataset="imagefolder (birds)").run == "birds"


def test_a_cell_is_named_by_its_run_or_by_its_parents_that_has_no_other():
    cells = [cell("a", 1), cell("b", 2, **{PARENT: "another"})]
    assert choose_cell(cells, "a").run == "a"
    assert choose_cell(cells, "another").run == "b"


def test_of_several_cells_one_is_to_be_named():
    said = complaint([cell("b", seed=1), cell("a", seed=0), cell("c", seed=2, status="FAILED")], "parent")
    assert said.endswith("has 2 cells; choose one with --run: a (4 shots, seed 0); b (4 shots, seed 1)")


@pytest.mark.parametrize(
    ("cells", "run", "says"),
    [
        ([], "", "python -m benchmark run"),
        ([cell("a", method="standard")], "", "no finished run with synthetic images"),
        ([cell("a")], "b", "no run of a method with the id b"),
        ([cell("a", status="KILLED")], "a", "did not finish"),
        ([cell("a", method="standard")], "a", "made no images"),
        ([replace(cell("a"), tables={})], "a", "the tables of run a (diagen on mini_focus, 4 shots, seed 0)"),
        ([replace(cell("a"), tables={})], "", "those of 1 run are no longer where MLflow looks"),
    ],
)
def test_where_there_is_none_the_line_says_why(cells: list[Record], run: str, says: str):
    assert says in complaint(cells, run)


def test_a_cell_is_described_in_words():
    assert cell("a", seed=2, components="noise").title == "diagen [noise] on mini_focus, 4 shots, seed 2"
    assert cell("a", shots="1").title == "diagen on mini_focus, 1 shot, seed 0"
