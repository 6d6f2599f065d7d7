"""Sweeps in the tiny world: what they skip, what they run again, what their jobs share."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

import evaluation.backbones
from benchmark.cli import main
from benchmark.failed_cells import ERROR_FILE, CellsFailed, FailedCells
from benchmark.job import open_job
from benchmark.leaderboard import leaderboard
from benchmark.progress import Stages
from benchmark.records import Cell
from benchmark.runner import Look, every_cell, missing_cells, run_job, run_sweep
from benchmark.selection import comparable
from benchmark.setting_files import preset_identity
from benchmark.settings import RunSettings, resolve_settings
from benchmark.sweep import run_grid
from benchmark.tracking import CELL, LEVEL, RUN, SPLIT, Tracker
from datasets.base import DATASETS
from datasets.errors import CannotKeep, UserError
from datasets.few_shot import FewShotTask
from methods.base import METHODS, SyntheticSet, Tools
from methods.standard import Standard
from tests.benchmark.conftest import SMALL

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


def run(settings: RunSettings) -> None:
    run_job(open_job(settings), Tracker(), QUIET)


def test_a_sweep_runs_what_is_missing(world, small: Settings, tracking_uri: str):
    grid = [small("standard", seeds="0,1"), small("diagen", seeds="0,1")]
    run(grid[0])
    jobs = [open_job(settings) for settings in grid]
    assert [missing_cells(job, Tracker()) for job in jobs] == [[], [(2, 0), (2, 1)]]
    run_grid(grid)
    assert [missing_cells(job, Tracker()) for job in jobs] == [[], []]
    (board,) = leaderboard(comparable(Tracker().cells()))
    assert {row.label.split()[0]: row.seeds for row in board.rows} == {"standard": (0, 1), "diagen": (0, 1)}


def test_a_sweep_takes_no_run_of_other_settings_for_its_own(world, small: Settings, tracking_uri: str):
    run(small("diagen", components="none"))
    changes = [{}, {"components": "noise"}, {"overrides": ("classifier.epochs=4",)}]
    jobs = [open_job(small("diagen", **{"components": "none", **change})) for change in changes]
    assert [missing_cells(job, Tracker()) for job in jobs] == [[], [(2, 0)], [(2, 0)]]


def test_finished_cells_are_run_again_where_that_is_asked_for(world, small: Settings, tracking_uri: str):
    for look, cells in ((missing_cells, 1), (missing_cells, 1), (every_cell, 2)):
        run_grid([small()], look)
        assert len(Tracker().finished_cells()) == cells


@pytest.mark.parametrize(("look", "runs"), [(missing_cells, [0, 1, 2]), (every_cell, [0, 1, 1, 2])])
def test_a_cell_that_another_process_finishes_meanwhile_is_left_alone(
    world, small: Settings, tracking_uri: str, look: Look, runs: list[int], monkeypatch, capsys
):
    synthesize = Standard.synthesize

    def meanwhile(self: Standard, task: FewShotTask, tools: Tools) -> SyntheticSet:
        if task.seed == 0:
            run(small(seeds="1"))
        return synthesize(self, task, tools)

    monkeypatch.setattr(Standard, "synthesize", meanwhile)
    run_grid([small(seeds="0,1,2")], look)
    assert sorted(cell.seed for cell in Tracker().finished_cells()) == runs
    left_alone = "2 shots, seed 1: finished in the meantime by another process\n" in capsys.readouterr().err
    assert left_alone is (look is missing_cells)
    assert {run.info.status for run in MlflowClient().search_runs(["0"])} == {"FINISHED"}


def test_cells_that_another_process_is_at_come_last(world, small: Settings, tracking_uri: str):
    """Two processes that run the same grid share its work, even if they start together."""
    job, tracker = open_job(small(seeds="0,1")), Tracker()
    at_work = {**job.tags, LEVEL: CELL, SPLIT: job.split(Cell(2, 0)).digest, "shots": "2", "seed": "0"}
    with tracker.run("a cell", at_work):
        assert missing_cells(job, tracker) == [(2, 1), (2, 0)]
    assert missing_cells(job, tracker) == [(2, 1)]


def test_a_sweep_runs_cells_again_whose_generator_changed(world, small: Settings, tracking_uri: str, monkeypatch):
    """A checkpoint folder keeps its name when it is trained further."""
    for method in ("standard", "da_fusion"):
        run(small(method))
        assert missing_cells(open_job(small(method)), Tracker()) == []
    monkeypatch.setattr("methods.checkpoint.checkpoint_fingerprint", lambda folder: "other weights")
    assert missing_cells(open_job(small("standard")), Tracker()) == []
    assert len(missing_cells(open_job(small("da_fusion")), Tracker())) == 1


def test_a_sweep_runs_cells_again_whose_images_changed(world, small: Settings, tracking_uri: str, monkeypatch):
    run(small(seeds="0,1"))
    assert missing_cells(open_job(small(seeds="0,1")), Tracker()) == []
    squares = DATASETS["squares"]
    digest = squares.digest
    monkeypatch.setattr(squares, "digest", lambda self, e: digest(self, e) + ("!" if "train1" in e.identifier else ""))
    assert missing_cells(open_job(small(seeds="0,1")), Tracker()) == [(2, 1)]


def test_a_preset_file_is_the_same_however_its_path_is_written(world, small: Settings, tracking_uri: str, capsys):
    """A preset file changes its identity only when it is edited."""
    Path("mine.yaml").write_text("textual_inversion: {steps: 10}\n")
    ways = ("mine.yaml", "./mine.yaml", str(Path("mine.yaml").absolute()))
    run(small(preset="mine.yaml"))
    assert [missing_cells(open_job(small(preset=way)), Tracker()) for way in ways] == [[], [], []]
    for way in ways:
        run(small(preset=way))
    (group,) = comparable(Tracker().cells())
    assert group.title == f"squares · preset {preset_identity('mine.yaml')} · protocol paper"
    assert [main(["leaderboard", "--preset", way]) for way in (*ways, group.preset)] == [0, 0, 0, 0]
    Path("mine.yaml").write_text("textual_inversion: {steps: 11}\n")
    edited = open_job(small(preset="mine.yaml"))
    assert missing_cells(edited, Tracker()) == edited.cells
    run(small(preset="mine.yaml"))
    assert len(comparable(Tracker().cells())) == 2
    Path("mini.yaml").write_text("")
    run(small(preset="mini.yaml"))
    assert missing_cells(open_job(small(preset="mini")), Tracker()) == [(2, 0)]


def test_a_preset_that_is_edited_while_a_sweep_is_on_is_the_next_ones(world, small: Settings, tracking_uri: str):
    Path("mine.yaml").write_text("classifier: {batch_size: 31}\n")
    before, job = preset_identity("mine.yaml"), open_job(small(preset="mine.yaml"))
    Path("mine.yaml").write_text("classifier: {batch_size: 30}\n")
    run_sweep([(job, job.cells)], Tracker(), QUIET)
    (cell,) = Tracker().finished_cells()
    assert cell.tags["preset"] == before
    assert "batch_size" not in cell.tags["overrides"]


class FailsAtSeed1(Standard):
    """error: the exception raised at seed 1."""

    error: BaseException = ValueError("boom\nand more")

    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        if task.seed == 1:
            raise self.error
        return super().synthesize(task, tools)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[FailsAtSeed1]:
    """A method that is registered as `fails`."""
    own = type("Fails", (FailsAtSeed1,), {})
    monkeypatch.setattr(METHODS, "_plugins", {**METHODS._plugins, "fails": own})
    return own


def three_seeds(method: str) -> RunSettings:
    return resolve_settings(method=method, dataset="squares", shots="1", seeds="0,1,2", overrides=SMALL)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("boom\nand more"), "ValueError: boom and more"),
        (UserError("photo.jpg is unreadable"), "photo.jpg is unreadable"),
        (AssertionError(), "AssertionError"),
        (SystemExit(0), "SystemExit: 0"),
        (OSError(errno.EIO, "no answer"), f"OSError: [Errno {errno.EIO}] no answer"),
    ],
)
def test_a_cell_that_fails_leaves_the_others_to_run(
    world, tracking_uri: str, failing: type[FailsAtSeed1], error: BaseException, reason: str, capsys
):
    failing.error = error
    grid = [three_seeds(method) for method in ("fails", "standard")]
    with pytest.raises(CellsFailed) as told:
        run_grid(grid)
    head, *lines = str(told.value).splitlines()
    assert head.startswith("1 cell failed, the others are finished; the same command runs what failed again")
    (line,) = lines
    assert line.startswith("    fails classifier.epochs=3 ")
    assert line.endswith(f" on squares, 1 shot, seed 1: {reason}")
    assert f"\n    failed: {reason}\n" in capsys.readouterr().err
    assert [missing_cells(open_job(settings), Tracker()) for settings in grid] == [[(1, 1)], []]


@pytest.mark.parametrize(("level", "finished"), [(RUN, 3), (CELL, 2)])
def test_a_run_that_somebody_deletes_while_it_is_on_leaves_the_others(
    world, small: Settings, tracking_uri: str, level: str, finished: int, monkeypatch
):
    synthesize, client, deleted = Standard.synthesize, MlflowClient(tracking_uri), []

    def meanwhile(self: Standard, task: FewShotTask, tools: Tools) -> SyntheticSet:
        if not deleted:
            (run,) = client.search_runs(["0"], f"tags.level = '{level}'")
            deleted.append(run.info.run_id)
            client.delete_run(run.info.run_id)
        return synthesize(self, task, tools)

    monkeypatch.setattr(Standard, "synthesize", meanwhile)
    with pytest.raises(CellsFailed, match=r": run \w+ was deleted in MLflow") as told:
        run_grid([small(shots="1,2"), small(shots="3")])
    assert deleted[0] in str(told.value)
    assert len(Tracker().finished_cells()) == finished


def test_where_a_cell_failed_is_told_in_its_run(world, tracking_uri: str, failing: type[FailsAtSeed1], tmp_path: Path):
    import mlflow

    command = ["sweep", "--methods", "fails", "--datasets", "squares", "--shots", "1", "--seeds", "0,1"]
    assert main([*command, *(f"--set={text}" for text in SMALL)]) == 1
    client = mlflow.MlflowClient(tracking_uri)
    runs = client.search_runs(["0"], "attributes.status = 'FAILED'")
    failed = {run.data.tags["level"]: run.info.run_id for run in runs}
    assert sorted(failed) == ["cell", "run", "sweep"]
    traceback = Path(client.download_artifacts(failed["cell"], ERROR_FILE, str(tmp_path))).read_text()
    assert "in synthesize" in traceback
    assert traceback.endswith("ValueError: boom\nand more\n")


@pytest.mark.parametrize(
    "error", [CannotKeep("no space left for the store"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()]
)
def test_what_would_hit_every_cell_ends_a_sweep_at_once(
    world, tracking_uri: str, failing: type[FailsAtSeed1], error: BaseException
):
    failing.error = error
    with pytest.raises(type(error)):
        run_grid([three_seeds("fails")])
    assert [cell.seed for cell in Tracker().finished_cells()] == [0]


def test_networks_that_cannot_be_had_are_told_once_before_a_cell_is_run(
    world, small: Settings, tracking_uri: str, monkeypatch
):
    """This holds for every method that needs them; otherwise each cell would try the download again."""
    asked: list[str] = []

    def without_features(name: str, size: int, dtype: str) -> object:
        asked.append(name)
        if name == "dinov2_vits14":
            raise UserError("no network")
        return load(name, size, dtype)

    load = evaluation.backbones.load_backbone
    monkeypatch.setattr(evaluation.backbones, "load_backbone", without_features)
    overrides = ("features.name=dinov2_vits14",)
    grid = [small("standard"), small("da_fusion", seeds="0,1", overrides=overrides)]
    with pytest.raises(UserError, match=r"^no network$"):
        run_grid(grid)
    assert asked == ["efficientnet_lite0", "dinov2_vits14"]
    assert not MlflowClient(tracking_uri).search_runs(["0"])


def test_a_full_disk_is_one_whoever_tells_of_it():
    failed = FailedCells(QUIET)
    with pytest.raises(UserError, match="cannot be downloaded"), failed.tolerated("a cell"):
        try:
            raise OSError(errno.ENOSPC, "full")
        except OSError as error:
            raise UserError("the checkpoint cannot be downloaded") from error
    assert failed.lines == []


def test_a_sweep_is_one_tree_of_runs(world, small: Settings, tracking_uri: str):
    import mlflow

    job = open_job(small())
    run_sweep([(job, job.cells)], Tracker(), QUIET)
    runs = mlflow.MlflowClient(tracking_uri).search_runs(["0"])
    by_level = {run.data.tags["level"]: run for run in runs}
    assert sorted(by_level) == ["cell", "run", "sweep"]
    assert by_level["run"].data.tags["mlflow.parentRunId"] == by_level["sweep"].info.run_id


def test_jobs_share_a_dataset_that_they_open_alike_and_no_other(world, small: Settings):
    opened = {}
    plain, also = (open_job(small(method), opened).dataset for method in ("standard", "diagen"))
    assert plain is also
    changes = [
        {"data_root": "/elsewhere"},
        {"overrides": ("squares.tests=[test]",)},
        {"overrides": ("unreadable=skip",)},
    ]
    others = [open_job(small(**change), opened).dataset for change in changes]
    assert len({id(dataset) for dataset in (plain, *others)}) == 4


def test_cells_that_are_run_later_share_the_words_of_their_jobs_first_task(world, small: Settings, tracking_uri: str):
    job = open_job(small("da_fusion", seeds="0,1", overrides=("textual_inversion.words_of=first_task",)))
    for cell in reversed(job.cells):
        run_sweep([(job, [cell])], Tracker(), QUIET)
    assert len(list(Path("store/words").rglob("*.npy"))) == 1
