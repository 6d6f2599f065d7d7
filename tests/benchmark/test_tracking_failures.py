"""A tracking store that is unavailable or fails during a run is reported in one line, without secrets."""

from __future__ import annotations

import errno
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from benchmark import tracking
from benchmark.tracking import Tracker
from benchmark.tracking_failures import check_that_it_answers, unusable
from datasets.errors import CannotKeep, UserError
from tests.benchmark.one_run import A_CELL, write_a_run
from tests.datasets.http_server import loopback_server


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host and port on which no server listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_a_server_that_is_not_there_is_told_at_once(nobody: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@{nobody}")
    with pytest.raises(UserError, match=r"no server answers there\): check MLFLOW_TRACKING_URI") as caught:
        Tracker()
    assert nobody in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("user", "printed"), [("somebody:secret@", False), ("", True)])
def test_mlflow_prints_the_address_of_a_run_unless_a_password_is_in_it(
    nobody: str, user: str, printed: bool, monkeypatch: pytest.MonkeyPatch
):
    from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT as NOT_PRINTED

    monkeypatch.setenv(NOT_PRINTED.name, "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{user}{nobody}")
    with pytest.raises(UserError, match=nobody):
        Tracker()
    assert NOT_PRINTED.get() is not printed


@pytest.mark.parametrize("error", [CannotKeep("the server is gone"), KeyboardInterrupt()])
def test_a_server_that_died_is_not_asked_to_end_the_runs(
    tracking_uri: str, nobody: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
):
    """MLflow would retry for minutes, for each of the nested runs."""
    tracker = Tracker()
    asked: list[str] = []
    monkeypatch.setattr(MlflowClient, "set_terminated", lambda _client, run, _status: asked.append(run))
    with pytest.raises(type(error)), tracker.run("a run", A_CELL):
        tracker.uri = f"http://{nobody}"
        raise error
    assert asked == []


def test_a_server_without_tls_is_told_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with loopback_server() as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url.replace("http://", "https://"))
        with pytest.raises(
            UserError,
            match=r"\(no TLS connection: \[SSL.*; should the address begin with http://, or MLFLOW_.*_CERT_PATH name",
        ):
            Tracker()


@pytest.mark.parametrize(
    ("name", "value", "verify"),
    [("INSECURE_TLS", "true", False), ("SERVER_CERT_PATH", "lab.pem", "lab.pem"), ("TOKEN", "any", True)],
)
def test_a_servers_certificate_is_checked_as_mlflow_is_told_to(
    name: str, value: str, verify: object, monkeypatch: pytest.MonkeyPatch
):
    asked: dict[str, object] = {}
    monkeypatch.setattr("requests.head", lambda _uri, **options: asked.update(options))
    monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    check_that_it_answers("https://mlflow.lab")
    assert asked["verify"] == verify


@pytest.mark.parametrize("user", ["", "me:s3cret@"])
def test_an_address_without_http_is_told_so(user: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{user}127.0.0.1:5000")
    with pytest.raises(UserError, match=r"127.0.0.1:5000 cannot be used \(http:// may be missing in front of it\)"):
        Tracker()


@pytest.mark.parametrize(
    "uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"]
)
def test_a_database_in_memory_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch):
    """Its runs would be lost when the process ends."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match=r"in memory .*: name a file, as sqlite:///mlflow.db does"):
        Tracker()


@pytest.mark.parametrize(
    ("make", "reason"),
    [(Path.mkdir, "unable to open database file"), (lambda path: path.write_text("text" * 99), "not a database")],
)
def test_a_file_that_is_no_database_is_told_at_once(make: Callable[[Path], object], reason: str, new_database: Path):
    """MLflow would retry for more than a minute."""
    make(new_database)
    with pytest.raises(UserError, match=rf"mlflow.db cannot be used \(.*{reason}\): check MLFLOW_TRACKING_URI"):
        check_the_default_store()


def test_a_database_that_another_process_writes_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def busy(_path: Path) -> sqlite3.Connection:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    monkeypatch.setattr(sqlite3, "connect", busy)
    (tmp_path / "busy.db").touch()
    check_that_it_answers(f"sqlite:///{tmp_path / 'busy.db'}")


@pytest.mark.parametrize("name", ["what?", "a%20b"])
def test_a_working_directory_that_makes_no_address_is_refused(
    name: str, new_database: Path, monkeypatch: pytest.MonkeyPatch
):
    """MLflow would write the database into another folder, or retry for minutes."""
    folder = new_database.parent / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=r"start in another folder, or set MLFLOW_TRACKING_URI$"):
        check_the_default_store()
    assert not list(new_database.parent.rglob("*.db"))


def check_the_default_store() -> None:
    """Open a `Tracker`; fail at once if the check misses a bad name, because MLflow would retry for minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "create_database", lambda uri: pytest.fail(f"{uri} passed"))
        Tracker()


@pytest.mark.parametrize("variable", ["MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"])
def test_an_experiment_that_was_deleted_is_read_from_and_not_written_to(
    tracking_uri: str, variable: str, monkeypatch: pytest.MonkeyPatch
):
    client = MlflowClient(tracking_uri)
    identifier = client.create_experiment("cups")
    client.delete_experiment(identifier)
    monkeypatch.setenv(variable, {"MLFLOW_EXPERIMENT_NAME": "cups", "MLFLOW_EXPERIMENT_ID": identifier}[variable])
    assert Tracker().cells() == []
    with pytest.raises(UserError, match=rf"^the experiment 'cups' was deleted .* -x {identifier}.* {variable}$"):
        write_a_run()


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
def test_a_store_that_fails_while_a_run_is_written_is_one_line(
    tracking_uri: str, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    def fails(*_arguments: object, **_named: object) -> None:
        raise error

    for method in ("log_batch", "set_terminated"):
        monkeypatch.setattr(MlflowClient, method, fails)
    with pytest.raises(CannotKeep, match=r"the MLflow store .* \(.*database or disk is full\)") as caught:
        write_a_run()
    assert "INSERT" not in str(caught.value)
    assert Tracker().finished_cells() == []
    with pytest.raises(KeyboardInterrupt):  # the interrupt came first, and its message says how to go on
        write_a_run(KeyboardInterrupt())


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOSPC])
def test_errors_that_are_not_the_stores_stay_what_they_are(tracking_uri: str, number: int):
    with pytest.raises(OSError, match=r"full cache|/tmp"):
        write_a_run(OSError(number, "full cache", "/tmp/another_cache"))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://u:p%40ss@host/db", "bad p@ss here"),
        ("mysql://u:s3cret@host", "no s3cret"),
        ("http://[x:5", "no"),
        ("http://me:p#s3cret@host:1", "Failed to parse: http://me:p#s3cret@host:1"),
        ("http://me:s3cret#p@host:1", "Port could not be cast to integer value as 's3cret'"),
        ("mysql+pymysql://me:s3cret/x@host/db", "invalid literal for int() with base 10: 's3cret'"),
        ("postgresql://me@host/db?password=s3cret", "no password s3cret"),
        ("postgresql://me@host/db?password=s3@s3cret", "no password s3cret"),
        ("http://s3cret@host:1", "no"),
        ("http://host:1/?token=s3cret", "Failed to parse: http://host:1/?token=s3cret"),
        ("me:s3cret@host:5000", "no"),
    ],
)
def test_a_store_is_named_without_its_secrets(address: str, reason: str):
    message = str(unusable(address, ValueError(reason)))
    assert message.startswith("the MLflow store ")
    for secret in ("p%40ss", "p@ss", "s3cret"):
        assert secret not in message


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://me:s3cret@host:1/lab", "http://…@host:1/lab"),
        ("postgresql://host/db?password=s3cret", "postgresql://host/db?…"),
        ("sqlite:////home/me@lab/mlflow.db", "sqlite:////home/me@lab/mlflow.db"),
    ],
)
def test_the_rest_of_a_stores_address_is_told(address: str, shown: str):
    message = str(unusable(address, ValueError("no some database")))
    assert message.startswith(f"the MLflow store {shown} cannot be used (no some database): check")


def test_a_database_that_fails_is_one_line_with_its_reason(
    tracking_uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    tracker = Tracker()
    with sqlite3.connect(tmp_path / "tracking.db") as database:
        database.execute("DROP TABLE runs")
    with pytest.raises(UserError, match=r"cannot be used \(no such table: runs\): check") as caught:
        tracker.cells()
    assert "\n" not in str(caught.value)
    assert not caplog.records
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "text",
    [
        "(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT …]",
        "(raised as a result of Query-invoked autoflush; …)\n(sqlite3.OperationalError) database or disk is full",
        "database or disk is full",
    ],
)
def test_the_reason_is_what_the_database_says(text: str):
    assert "cannot be used (database or disk is full): check" in str(unusable("sqlite:///mlflow.db", Exception(text)))
