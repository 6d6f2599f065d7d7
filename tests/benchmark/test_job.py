"""Checks before a run, and on which images it runs: replayed splits, changed data, missing or repeated images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.records import Cell
from benchmark.runner import run_job
from benchmark.selection import comparable
from benchmark.settings import RunSettings
from benchmark.splits import write_splits
from benchmark.tracking import DATA, Tracker
from datasets.base import DATASETS, Dataset, Splits
from datasets.errors import UserError

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


def run(settings: RunSettings) -> None:
    run_job(open_job(settings), Tracker(), QUIET)


def test_a_split_file_is_replayed(world, small: Settings, tracking_uri: str, tmp_path):
    paths = list(write_splits(small(shots="2,4", seeds="7"), tmp_path / "splits"))
    assert [path.name for path in paths] == ["squares-2-shots-seed-7.json", "squares-4-shots-seed-7.json"]
    run(small(shots="2,4", seeds="7"))
    run(small(split_files=",".join(map(str, paths))))
    with pytest.raises(UserError, match="two split files for 2 shots, seed 7"):
        open_job(small(split_files=f"{paths[0]},{paths[0]}"))
    cells = Tracker().finished_cells()
    assert [cell.tags["shots"] for cell in cells] == ["4", "2", "4", "2"]
    assert {cell.tags["seed"] for cell in cells} == {"7"}
    replayed, first = ({name: v for name, v in cell.metrics.items() if "second" not in name} for cell in cells[::2])
    assert replayed == first


def test_a_split_file_of_another_dataset_is_refused(world, small: Settings, tmp_path):
    (path,) = write_splits(small(), tmp_path)
    with pytest.raises(UserError, match="the split file is for squares, the run is on mini_focus"):
        open_job(small(dataset="mini_focus", split_files=str(path)))


def test_other_photos_under_the_same_names_are_other_data(world, small: Settings, tracking_uri: str, monkeypatch):
    """For example, cropped copies: no mean may mix seeds of one version with seeds of the other."""
    run(small(seeds="0,1"))
    assert open_job(small(data_root="/elsewhere")).tags[DATA] == open_job(small()).tags[DATA]
    squares = DATASETS["squares"]
    digest = squares.digest
    monkeypatch.setattr(squares, "digest", lambda self, example: digest(self, example) + "cropped")
    run(small(seeds="0"))
    assert sorted(len(group.records) for group in comparable(Tracker().cells())) == [1, 2]


def test_images_in_two_splits_or_classes_are_counted_in_a_warning(world, small: Settings, monkeypatch, caplog):
    squares = DATASETS["squares"]
    monkeypatch.setattr(
        squares, "digest", lambda self, e: "same" if e.identifier.endswith(("test/0", "val/0")) else e.identifier
    )
    job = open_job(small())
    job.split(Cell(2, 0))
    for what in ("split", "class"):
        assert f"squares, 2 shots, seed 0: 1 image is in more than one {what}" in caplog.text


def leave_out_of_validation(monkeypatch: pytest.MonkeyPatch, labels: set[int]) -> None:
    squares = DATASETS["squares"]
    whole = squares.splits

    def splits(self: Dataset, seed: int) -> Splits:
        found = whole(self, seed)
        return replace(found, validation=tuple(e for e in found.validation if e.label not in labels))

    monkeypatch.setattr(squares, "splits", splits)


def test_a_dataset_without_validation_images_runs_with_a_warning(
    world, small: Settings, tracking_uri: str, monkeypatch, caplog
):
    leave_out_of_validation(monkeypatch, {0, 1, 2})
    run(small("diagen"))
    (cell,) = Tracker().finished_cells()
    assert "accuracy/val" not in cell.metrics
    assert cell.metrics["accuracy/test"] > 0.5
    assert "squares: no validation images: the classifier's last epoch is used" in caplog.text


def test_classes_without_validation_images_are_named_once_whatever_the_cells(
    world, small: Settings, monkeypatch, caplog
):
    open_job(small())
    assert caplog.text == ""
    leave_out_of_validation(monkeypatch, {0, 2})
    open_job(small(shots="2,4", seeds="0,1"))
    assert caplog.text.count("squares: 2 of the 3 classes without a validation image: apple, plum") == 1


def test_too_few_images_for_the_shots_is_said_before_anything_runs(world, small: Settings):
    with pytest.raises(UserError, match="'apple' of squares has 8 training images"):
        open_job(small(shots="2,9"))


def test_a_real_set_of_test_alone_needs_a_test_set_of_that_name_where_there_are_several(world, small: Settings):
    several, one = "squares.tests=[fog,rain]", "squares.tests=[fog]"
    with pytest.raises(UserError, match=r"real_set=test: squares has no test set 'test', only fog, rain"):
        open_job(small("diagen", overrides=(several, "features.real_set=test")))
    open_job(small("diagen", overrides=(several,)))
    open_job(small("diagen", overrides=(one, "features.real_set=test")))
    open_job(small("standard", overrides=(several, "features.real_set=test")))  # makes no images to measure
