"""The tracking store itself; test_runner.py tests what runs log there."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmark import tracked_origin, tracking
from benchmark.tracked_origin import PROCESS
from benchmark.tracking import CELL, LEVEL, Tracker
from datasets.errors import UserError
from tests.benchmark.one_run import A_CELL, write_a_run


@pytest.mark.slow
def test_the_default_store_is_a_database_in_the_working_directory(new_database: Path):
    with Tracker().run("a run", A_CELL) as run:
        run.log_metrics({"accuracy/test": 0.5})
        run.log_tables({"numbers": {"a": [1, 2], "b": ["x", None]}})
    assert new_database.is_file()
    assert not list(new_database.parent.glob(".creating-*"))
    assert list((new_database.parent / "mlruns").rglob("numbers.json"))
    (cell,) = Tracker().finished_cells()
    assert cell.metrics == {"accuracy/test": 0.5}


def test_a_kill_while_the_store_is_created_leaves_none(new_database: Path, monkeypatch: pytest.MonkeyPatch):
    import mlflow

    def killed(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mlflow.MlflowClient, "search_experiments", killed)
    with pytest.raises(KeyboardInterrupt):
        Tracker()
    assert not new_database.exists()


def test_tags_choose_cells_and_the_experiment_is_the_environments(tracking_uri: str, monkeypatch: pytest.MonkeyPatch):
    for name, experiment in (("standard", "first"), ("diagen", "second")):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", experiment)
        with Tracker().run("a run", {**A_CELL, "method": name}):
            pass
    assert {cell.tags["method"] for cell in Tracker().finished_cells()} == {"standard", "diagen"}
    assert [cell.tags["method"] for cell in Tracker().cells({"method": "diagen"})] == ["diagen"]


def test_a_store_that_answers_page_by_page_is_read_to_its_end(tracking_uri: str, monkeypatch: pytest.MonkeyPatch):
    for seed in "01234":
        with Tracker().run("a run", {**A_CELL, "seed": seed}):
            pass
    search = MlflowClient.search_runs
    monkeypatch.setattr(MlflowClient, "search_runs", lambda *given, **named: search(*given, max_results=2, **named))
    assert sorted(cell.tags["seed"] for cell in Tracker().finished_cells()) == list("01234")


@pytest.mark.parametrize(
    "tags",
    [
        {LEVEL: CELL},
        {**A_CELL, "dataset": ""},
        {**A_CELL, "shots": "two"},
        {**A_CELL, "seed": "0.5"},
        {**A_CELL, "seed": "1" * 5000},
    ],
)
def test_a_run_of_somebody_else_that_is_tagged_as_a_cell_is_none(
    tracking_uri: str, tags: dict[str, str], caplog: pytest.LogCaptureFixture
):
    for own in (A_CELL, tags):
        with Tracker().run("a run", own):
            pass
    (cell,) = Tracker().cells()
    assert cell.cell == (4, 0)
    assert "1 run tagged level=cell left out" in caplog.text
    assert len(Tracker().finished_cells()) == 1


def test_a_run_that_holds_results_is_not_written_over(tracking_uri: str, monkeypatch: pytest.MonkeyPatch):
    """MLFLOW_RUN_ID names a new run if `mlflow run` set it, and may name an old one if it was left set."""
    with Tracker().run("a cell", A_CELL) as cell:
        pass
    fresh = MlflowClient().create_run("0").info.run_id
    for given in (fresh, cell.identifier):
        monkeypatch.setenv("MLFLOW_RUN_ID", given)
        if given == fresh:
            write_a_run()
        else:
            with pytest.raises(UserError, match=f"^MLFLOW_RUN_ID names run {given}, which already has results: uns"):
                write_a_run()
    assert MlflowClient().get_run(fresh).data.metrics == {"accuracy/test": 0.5}
    assert MlflowClient().get_run(cell.identifier).data.tags["method"] == "standard"
    assert MlflowClient().get_run(cell.identifier).info.run_name == "a cell"


def test_only_runs_of_this_machines_dead_processes_are_ended(tracking_uri: str, monkeypatch: pytest.MonkeyPatch):
    def kill(process: int, _signal: int) -> None:
        # Another user's process; a process that has ended; a number higher than any process ID.
        raise {1: PermissionError, 2: ProcessLookupError}.get(process, OverflowError)

    monkeypatch.setattr(os, "kill", kill)
    tracker, here = Tracker(), socket.gethostname()
    with ExitStack() as stack:
        places = [{LEVEL: CELL, PROCESS: place} for place in (f"{here}:1", f"{here}:2", "another:2", f"{here}:a name")]
        places += [{LEVEL: CELL, PROCESS: f"{here}:{number}"} for number in ("9" * 20, "9" * 5000)]
        runs = [stack.enter_context(tracker.run("a run", tags)) for tags in places]
        assert tracker.end_dead_runs() == 1
        statuses = [MlflowClient().get_run(run.identifier).info.status for run in runs]
        assert statuses == ["RUNNING", "KILLED", *["RUNNING"] * 4]


@pytest.mark.parametrize(("status", "told"), [("", "abc"), (" M a.py", "abc+changes")])
def test_changed_code_is_told_from_its_commit(status: str, told: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tracked_origin, "_git", lambda command, *_: {"rev-parse": "abc", "status": status}[command])
    assert tracked_origin.origin.__wrapped__()["git_commit"] == told


def test_a_run_says_who_ran_it_where_that_is_known(tracking_uri: str, monkeypatch: pytest.MonkeyPatch):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(tracking, "origin", tracked_origin.origin.__wrapped__)
    for get_user, known in ((lambda: "ada", "ada"), (nameless, "unknown")):
        monkeypatch.setattr("getpass.getuser", get_user)
        with Tracker().run("a run", A_CELL) as run:
            pass
        found = MlflowClient().get_run(run.identifier)
        assert (found.info.user_id, found.data.tags["mlflow.source.type"]) == (known, "LOCAL")


@pytest.mark.parametrize("text", ['{"columns": ["a"], "da', "[]", "{}", "[" * 100_000])
def test_a_damaged_table_is_told_in_a_line(tracking_uri: str, text: str):
    with Tracker().run("a run", A_CELL) as run:
        run.log_text("tables/plan.json", text)
    (cell,) = Tracker().cells()
    with pytest.raises(UserError, match=rf"^tables/plan.json of run {run.identifier} is damaged where MLflow keeps it"):
        cell.tables["plan"]


def test_a_table_that_lacks_a_column_is_told_in_a_line(tracking_uri: str):
    """The run may be from other code that uses the same tags, or its table may have been truncated."""
    with Tracker().run("a run", A_CELL) as run:
        run.log_text("tables/plan.json", '{"columns": ["image"], "data": [[1]]}')
    (cell,) = Tracker().cells()
    assert dict(cell.tables["plan"]) == {"image": [1]}
    assert cell.tables["plan"].get("guide") is None
    with pytest.raises(
        UserError, match=rf"plan.json of run {run.identifier} is damaged .* \(it lacks the column 'guide'"
    ):
        cell.tables["plan"]["guide"]


def test_a_tag_may_hold_a_quote(tracking_uri: str):
    for preset in ("o'brien.yaml", "mini"):
        with Tracker().run("a run", {**A_CELL, "preset": preset}):
            pass
    assert [cell.tags["preset"] for cell in Tracker().cells({"preset": "o'brien.yaml"})] == ["o'brien.yaml"]
