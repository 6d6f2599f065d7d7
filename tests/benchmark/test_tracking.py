"""The tracking store itself; what runs log there is in test_runner.py."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from benchmark.tracking import CELL, LEVEL, Tracker
from datasets.errors import UserError


@pytest.fixture
def new_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mlflow.db"


@pytest.mark.slow
def test_the_default_store_is_a_database_in_the_working_directory(new_database: Path):
    with Tracker().run("a run", {LEVEL: CELL}) as run:
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
        with Tracker().run("a run", {LEVEL: CELL, "method": name}):
            pass
    assert {cell.tags["method"] for cell in Tracker().finished_cells()} == {"standard", "diagen"}
    assert [cell.tags["method"] for cell in Tracker().finished_cells({"method": "diagen"})] == ["diagen"]


def test_a_server_that_is_not_there_is_told_at_once(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@{address}")
    with pytest.raises(UserError, match=r"no server answers there\): check MLFLOW_TRACKING_URI") as caught:
        Tracker()
    assert address in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_experiment_that_is_not_there_is_named(tracking_uri: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "999")
    with pytest.raises(UserError, match=r"No Experiment with id=999 exists\): check MLFLOW_TRACKING_URI, MLFLOW_EXP"):
        Tracker()


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("INSERT INTO runs (?)", {"secret": 1}, Exception("database or disk is full")),
        MlflowException("database or disk is full"),
        OSError(errno.ENOSPC, "No space left: database or disk is full"),
    ],
)
def test_a_store_that_fails_while_a_run_is_written_is_one_line(tracking_uri: str, error: Exception):
    with pytest.raises(UserError, match=r"the MLflow store .* \(.*database or disk is full\)") as caught:
        fail_in_a_run(error)
    assert "INSERT" not in str(caught.value)
    assert Tracker().finished_cells() == []


def test_other_errors_in_a_run_stay_what_they_are(tracking_uri: str):
    with pytest.raises(FileNotFoundError, match="gone"):
        fail_in_a_run(FileNotFoundError(errno.ENOENT, "gone"))


def fail_in_a_run(error: Exception) -> None:
    with Tracker().run("a run", {LEVEL: CELL}):
        raise error


def test_a_tag_may_hold_a_quote(tracking_uri: str):
    for preset in ("o'brien.yaml", "mini"):
        with Tracker().run("a run", {LEVEL: CELL, "preset": preset}):
            pass
    assert [cell.tags["preset"] for cell in Tracker().finished_cells({"preset": "o'brien.yaml"})] == ["o'brien.yaml"]
