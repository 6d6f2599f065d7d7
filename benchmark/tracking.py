"""What is tracked, and how: runs, what is logged to them and what is read from them (docs/records.md names all of it).

Other modules that deal with MLflow: `tracking_address` (where its store is), `tracking_failures` (how it fails),
`tracked_origin` (where a run comes from), and `tracked_classifier` and `served_classifier` (how a classifier is logged
and served).

The tag `level` distinguishes the levels of runs: a `sweep` over methods and datasets, a `run` of one method on one
dataset, and under it a `cell` for each (shots, seed). Figures are read only from finished cells. A `report` holds what
was made from them.
"""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.failed_cells import ERROR_FILE
from benchmark.records import FAILED, FINISHED, RUNNING, SPLIT_FILE, Record, tells_its_cell
from benchmark.tracked_artifacts import Artifacts, read_bytes, read_table
from benchmark.tracked_origin import PROCESS, has_died, origin
from benchmark.tracking_address import absent_database, create_database, tracking_address
from benchmark.tracking_failures import (
    ClientThatTells,
    check_that_it_answers,
    secrets_in,
    told,
    unusable,
)
from datasets.errors import CannotKeep, UserError
from datasets.plurals import counted

if TYPE_CHECKING:
    from PIL.Image import Image

logger = logging.getLogger(__name__)

LEVEL = "level"
FINGERPRINT, DATA, SPLIT = "settings_fingerprint", "data_fingerprint", "split_digest"
CHECKPOINT, PROMPTS = "checkpoint_fingerprint", "prompts_fingerprint"
PARENT = "mlflow.parentRunId"
"""MLflow's own tag for a run's parent."""

CELL, RUN, SWEEP, REPORT = "cell", "run", "sweep", "report"

LONGEST_PARAMETER = 6000
"""Number of characters that MLflow stores of a parameter's value."""


class TrackedRun:
    """One open MLflow run to log to.

    status: the status with which the run ends, unless an error ends it.
    """

    def __init__(self, client: Any, identifier: str, experiment: str, uri: str) -> None:
        self._client, self._uri = client, uri
        self.identifier = identifier
        self.experiment = experiment
        self.status = FINISHED

    def log_parameters(self, values: Mapping[str, Any]) -> None:
        """Log parameters; those that `mlflow run` logged already stay as they are (MLflow allows no change)."""
        from mlflow.entities import Param

        present = self._client.get_run(self.identifier).data.params
        new = {key: _text(value)[:LONGEST_PARAMETER] for key, value in values.items() if key not in present}
        self._client.log_batch(self.identifier, params=[Param(key, value) for key, value in new.items()])

    def written(self) -> AbstractContextManager[None]:
        """A context in which failures of other ways of writing to the store are also reported in one line."""
        return told(self._uri)

    def log_metrics(self, values: Mapping[str, float], model: str = "") -> None:
        """Log metrics; MLflow shows accuracies with a model too, if `model` is the address of a logged one."""
        from mlflow.entities import Metric

        now, identifier = int(time.time() * 1000), model.removeprefix("models:/") or None
        metrics = [
            Metric(name, float(value), now, 0, model_id=identifier if name.startswith("accuracy/") else None)
            for name, value in values.items()
        ]
        self._client.log_batch(self.identifier, metrics=metrics)

    def log_dataset(self, name: str, digest: str, source: str, images: Mapping[str, int]) -> None:
        """Log the images that the run used, as an MLflow dataset input; `images` counts them by split."""
        from mlflow.entities import Dataset, DatasetInput, InputTag
        from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

        described = Dataset(
            name=name,
            digest=digest,
            source_type="local",
            source=json.dumps({"source": source, "split": SPLIT_FILE}),
            profile=json.dumps(images),
        )
        context = InputTag(MLFLOW_DATASET_CONTEXT, "few-shot task")
        self._client.log_inputs(self.identifier, [DatasetInput(described, [context])])

    def log_file(self, path: Path, folder: str) -> None:
        """Log a file into a folder of the run's artifacts; `.` is the top level."""
        self._client.log_artifact(self.identifier, str(path), "" if folder == "." else folder)

    def log_text(self, name: str, text: str) -> None:
        self._client.log_text(self.identifier, text, name)

    def log_tables(self, tables: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Log tables (by name, each column name → values) as artifacts that the MLflow UI shows.

        This writes what MLflow's `log_table` would, without its several requests per table.
        """
        from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

        for name, columns in tables.items():
            rows = [list(row) for row in zip(*columns.values(), strict=True)]
            self._client.log_dict(self.identifier, {"columns": list(columns), "data": rows}, f"tables/{name}.json")
        logged = [{"path": f"tables/{name}.json", "type": "table"} for name in tables]
        self._client.set_tag(self.identifier, MLFLOW_LOGGED_ARTIFACTS, json.dumps(logged))

    def log_image(self, name: str, image: Image) -> None:
        """Log an image; `name` ends with the format: `.png` or `.webp`."""
        self._client.log_image(self.identifier, image, name)


class Tracker:
    """Opens runs in the store that MLFLOW_TRACKING_URI names, by default `mlflow.db` in the working directory."""

    def __init__(self) -> None:
        import mlflow

        self.uri = tracking_address()
        _quieten(self.uri)
        mlflow.set_tracking_uri(self.uri)
        try:
            check_that_it_answers(self.uri)
            create_database(self.uri)
            self._client: Any = ClientThatTells(mlflow.MlflowClient(), self.uri)
            self._experiment = self._find_experiment()
        except UserError:
            raise
        except Exception as error:  # from SQLAlchemy, requests or MLflow
            raise unusable(self.uri, error) from error

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str], parent: TrackedRun | None = None) -> Iterator[TrackedRun]:
        """An open run; it ends as FINISHED or FAILED, or as KILLED if the user interrupts it.

        The outermost run is the one that `mlflow run` opened, if it did (MLFLOW_RUN_ID).
        """
        run = self._open(name, {**origin(), **tags}, parent)
        try:
            yield run
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else FAILED
            with suppress(UserError, ConnectionError):  # of the store: the first error is the one to report
                check_that_it_answers(self.uri)
                self._client.set_terminated(run.identifier, status)
                if status == FAILED and not isinstance(error, CannotKeep):
                    run.log_text(ERROR_FILE, traceback.format_exc())
            raise
        self._client.set_terminated(run.identifier, run.status)

    def finished_cells(self) -> list[Record]:
        """Every finished cell in every experiment of the store, the latest first."""
        return [cell for cell in self.cells() if cell.status == FINISHED]

    def cells(self, tags: Mapping[str, str] | None = None) -> list[Record]:
        """Every cell with these tags, finished or not, in every experiment of the store, the latest first.

        Other runs that have these tags but do not describe a cell are counted in a warning.
        """
        found = self._search({LEVEL: CELL, **(tags or {})})
        own = [run for run in found if tells_its_cell(run.data.tags)]
        if others := len(found) - len(own):
            logger.warning(
                "%s tagged %s=%s left out, for lack of the tags method, dataset, shots and seed",
                counted(others, "run"),
                LEVEL,
                CELL,
            )
        return [self._record(run) for run in own]

    def end_dead_runs(self) -> int:
        """Mark runs as KILLED whose process on this machine died without closing them (kill -9); return how many."""
        dead = 0
        for run in self._search({}, RUNNING):
            if has_died(run.data.tags.get(PROCESS, "")):
                self._client.set_terminated(run.info.run_id, "KILLED")
                dead += 1
        return dead

    def _open(self, name: str, tags: Mapping[str, str], parent: TrackedRun | None) -> TrackedRun:
        opened = os.environ.pop("MLFLOW_RUN_ID", None) if parent is None else None
        if opened:
            run = self._client.get_run(opened)
            if LEVEL in run.data.tags:
                raise UserError(f"MLFLOW_RUN_ID names run {opened}, which already has results: unset it")
            self._client.update_run(opened, name=name)
            for key, value in tags.items():
                self._client.set_tag(opened, key, value)
        else:
            experiment = parent.experiment if parent else self._open_experiment()
            nested = {PARENT: parent.identifier} if parent else {}
            run = self._client.create_run(experiment, tags={**tags, **nested}, run_name=name)
        return TrackedRun(self._client, run.info.run_id, run.info.experiment_id, self.uri)

    def _find_experiment(self) -> Any:
        """MLFLOW_EXPERIMENT_ID or MLFLOW_EXPERIMENT_NAME, else the store's default experiment."""
        if identifier := os.environ.get("MLFLOW_EXPERIMENT_ID"):
            return self._client.get_experiment(identifier)
        if name := os.environ.get("MLFLOW_EXPERIMENT_NAME"):
            found = self._client.get_experiment_by_name(name)
            return found or self._client.get_experiment(self._client.create_experiment(name))
        return self._client.get_experiment("0")

    def _open_experiment(self) -> str:
        """The identifier of the experiment for new runs; raises `UserError` for a deleted one, which is read-only."""
        experiment = self._experiment
        if experiment.lifecycle_stage != "active":
            variable = "MLFLOW_EXPERIMENT_ID" if os.environ.get("MLFLOW_EXPERIMENT_ID") else "MLFLOW_EXPERIMENT_NAME"
            raise UserError(
                f"the experiment '{experiment.name}' was deleted in MLflow: restore it (`mlflow experiments restore -x "
                f"{experiment.experiment_id}`), or name another by {variable}"
            )
        return str(experiment.experiment_id)

    def _record(self, run: Any) -> Record:
        identifier = run.info.run_id
        return Record(
            tags=dict(run.data.tags),
            metrics=dict(run.data.metrics),
            ended=run.info.end_time or 0,
            status=run.info.status,
            run=identifier,
            parameters=dict(run.data.params),
            tables=Artifacts(self._client, identifier, "tables", ".json", read_table),
            files=Artifacts(self._client, identifier, "", "", read_bytes),
        )

    def _search(self, tags: Mapping[str, str], status: str = "") -> list[Any]:
        conditions = [f"attributes.status = '{status}'"] if status else []
        # MLflow's filters cannot have a quote within a value: such values are compared below.
        conditions += [f"tags.`{key}` = '{value}'" for key, value in tags.items() if "'" not in value]
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        runs: list[Any] = []
        token = None
        while True:
            page = self._client.search_runs(
                experiments, " and ".join(conditions), order_by=["attributes.end_time DESC"], page_token=token
            )
            runs.extend(run for run in page if all(run.data.tags.get(key) == value for key, value in tags.items()))
            token = page.token
            if not token:
                return runs


def open_tracker() -> Tracker:
    """Open the tracking store; if it can be written to, mark runs whose process died as killed."""
    tracker = Tracker()
    with suppress(CannotKeep):
        tracker.end_dead_runs()
    return tracker


def open_existing_tracker() -> Tracker:
    """Open the tracking store to read runs from it, as `open_tracker` does.

    Raises:
        UserError: the store is a database that does not exist. It is not created, since an empty one has no runs.
    """
    absent = None
    with suppress(Exception):  # whatever is wrong with the address, `Tracker` reports
        absent = absent_database(tracking_address())
    if absent is not None:
        raise UserError(
            f"no runs are tracked here, since there is no {absent}: run `python -m benchmark run` first, start this "
            "command in the directory where runs were started, or set MLFLOW_TRACKING_URI"
        )
    return open_tracker()


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _quieten(uri: str) -> None:
    """Silence messages that a user does not need, and one that could show a password.

    These are a line for each migration step of a new SQLite store, the traceback of a failing database
    (`tracking_failures` reports it in one line), and that git is missing (MLflow says so three times per classifier).
    The address of each run is not printed if the server's address, which it contains, holds a password.
    """
    from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT

    if secrets_in(uri):
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    for name in ("alembic", "mlflow", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("mlflow.store.db.utils", "mlflow.utils.git_utils"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
