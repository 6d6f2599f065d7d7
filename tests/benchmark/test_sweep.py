"""Sweeps in the tiny world: what they leave alone, what they run again, what their jobs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.cli import main
from benchmark.leaderboard import leaderboard
from benchmark.progress import Stages
from benchmark.runner import missing_cells, prepare, run_job, run_sweep
from benchmark.selection import comparable
from benchmark.setting_files import preset_identity
from benchmark.settings import RunSettings
from benchmark.sweep import run_grid
from benchmark.tracking import Tracker
from datasets.base import DATASETS

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


def run(settings: RunSettings) -> None:
    run_job(prepare(settings), Tracker(), QUIET)


def test_a_sweep_runs_what_is_missing(world, small: Settings, tracking_uri: str):
    grid = [small("standard", seeds="0,1"), small("diagen", seeds="0,1")]
    run(grid[0])
    jobs = [prepare(settings) for settings in grid]
    assert [missing_cells(job, Tracker()) for job in jobs] == [[], [(0, 2), (1, 2)]]
    run_grid(grid)
    assert [missing_cells(job, Tracker()) for job in jobs] == [[], []]
    (board,) = leaderboard(comparable(Tracker().cells()))
    assert {row.label.split()[0]: row.seeds for row in board.rows} == {"standard": (0, 1), "diagen": (0, 1)}


def test_a_sweep_takes_no_run_of_other_settings_for_its_own(world, small: Settings, tracking_uri: str):
    run(small("diagen", components="none"))
    changes = [{}, {"components": "noise"}, {"overrides": ("classifier.epochs=4",)}]
    jobs = [prepare(small("diagen", **{"components": "none", **change})) for change in changes]
    assert [missing_cells(job, Tracker()) for job in jobs] == [[], [(0, 2)], [(0, 2)]]


def test_finished_cells_are_run_again_where_that_is_asked_for(world, small: Settings, tracking_uri: str):
    for again, cells in ((False, 1), (False, 1), (True, 2)):
        run_grid([small()], again)
        assert len(Tracker().finished_cells()) == cells


def test_a_sweep_runs_cells_again_whose_generator_changed(world, small: Settings, tracking_uri: str, monkeypatch):
    """The folder of a checkpoint keeps its name when somebody trains on."""
    for method in ("standard", "da_fusion"):
        run(small(method))
        assert missing_cells(prepare(small(method)), Tracker()) == []
    monkeypatch.setattr("methods.checkpoint.checkpoint_fingerprint", lambda folder: "other weights")
    assert missing_cells(prepare(small("standard")), Tracker()) == []
    assert len(missing_cells(prepare(small("da_fusion")), Tracker())) == 1


def test_a_sweep_runs_cells_again_whose_images_changed(world, small: Settings, tracking_uri: str, monkeypatch):
    run(small(seeds="0,1"))
    assert missing_cells(prepare(small(seeds="0,1")), Tracker()) == []
    squares = DATASETS["squares"]
    digest = squares.digest
    monkeypatch.setattr(squares, "digest", lambda self, e: digest(self, e) + ("!" if "train1" in e.identifier else ""))
    assert missing_cells(prepare(small(seeds="0,1")), Tracker()) == [(1, 2)]


def test_a_preset_file_is_the_same_however_its_path_is_written(world, small: Settings, tracking_uri: str, capsys):
    """Unless it was edited."""
    Path("mine.yaml").write_text("textual_inversion: {steps: 10}\n")
    ways = ("mine.yaml", "./mine.yaml", str(Path("mine.yaml").absolute()))
    run(small(preset="mine.yaml"))
    assert [missing_cells(prepare(small(preset=way)), Tracker()) for way in ways] == [[], [], []]
    for way in ways:
        run(small(preset=way))
    (group,) = comparable(Tracker().cells())
    assert group.title == f"squares · preset {preset_identity('mine.yaml')} · protocol paper"
    assert [main(["leaderboard", "--preset", way]) for way in (*ways, group.preset)] == [0, 0, 0, 0]
    Path("mine.yaml").write_text("textual_inversion: {steps: 11}\n")
    edited = prepare(small(preset="mine.yaml"))
    assert missing_cells(edited, Tracker()) == edited.cells
    run(small(preset="mine.yaml"))
    assert len(comparable(Tracker().cells())) == 2
    Path("mini.yaml").write_text("")
    run(small(preset="mini.yaml"))
    assert missing_cells(prepare(small(preset="mini")), Tracker()) == [(0, 2)]


def test_a_preset_that_is_edited_while_a_sweep_is_on_is_the_next_ones(world, small: Settings, tracking_uri: str):
    Path("mine.yaml").write_text("classifier: {batch_size: 31}\n")
    before, job = preset_identity("mine.yaml"), prepare(small(preset="mine.yaml"))
    Path("mine.yaml").write_text("classifier: {batch_size: 30}\n")
    run_sweep([(job, job.cells)], Tracker(), QUIET)
    (cell,) = Tracker().finished_cells()
    assert cell.tags["preset"] == before
    assert "batch_size" not in cell.tags["overrides"]


def test_a_sweep_is_one_tree_of_runs(world, small: Settings, tracking_uri: str):
    import mlflow

    job = prepare(small())
    run_sweep([(job, job.cells)], Tracker(), QUIET)
    runs = mlflow.MlflowClient(tracking_uri).search_runs(["0"])
    by_level = {run.data.tags["level"]: run for run in runs}
    assert sorted(by_level) == ["cell", "run", "sweep"]
    assert by_level["run"].data.tags["mlflow.parentRunId"] == by_level["sweep"].info.run_id


def test_jobs_share_a_dataset_that_they_open_alike_and_no_other(world, small: Settings):
    opened = {}
    plain, also = (prepare(small(method), opened).dataset for method in ("standard", "diagen"))
    assert plain is also
    changes = [
        {"data_root": "/elsewhere"},
        {"overrides": ("squares.tests=[test]",)},
        {"overrides": ("unreadable=skip",)},
    ]
    others = [prepare(small(**change), opened).dataset for change in changes]
    assert len({id(dataset) for dataset in (plain, *others)}) == 4


def test_cells_that_are_run_later_share_the_words_of_their_jobs_first_task(world, small: Settings, tracking_uri: str):
    job = prepare(small("da_fusion", seeds="0,1", overrides=("textual_inversion.words_of=first_task",)))
    for cell in reversed(job.cells):
        run_sweep([(job, [cell])], Tracker(), QUIET)
    assert len(list(Path("store/words").rglob("*.npy"))) == 1
