"""Where runs are tracked: the address of the tracking store, and the database that it names."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from datasets.errors import UserError


def tracking_address() -> str:
    """The address that MLFLOW_TRACKING_URI gives, by default that of `mlflow.db` in the working directory.

    Raises:
        UserError: the directory's name would lead MLflow to another file, or to none.
    """
    if given := os.environ.get("MLFLOW_TRACKING_URI"):
        return given
    folder = Path.cwd()
    if re.search(r"\?|%[0-9A-Fa-f]{2}", str(folder)):
        raise UserError(
            f"{folder}: a database cannot be addressed in a folder with ? or % in its name; start in another folder, "
            "or set MLFLOW_TRACKING_URI"
        )
    return f"sqlite:///{folder / 'mlflow.db'}"


def database_file(uri: str) -> Path | None:
    """The file of an SQLite address, as SQLAlchemy reads it; None for other addresses.

    Raises:
        ConnectionError: the database is in memory, where every run is lost when the process ends.
    """
    from sqlalchemy.engine import make_url

    if not uri.startswith("sqlite"):
        return None
    address = make_url(uri)
    name = address.database or ":memory:"
    if ":memory:" in name or "memory" in address.query.values():
        raise ConnectionError("a database in memory is lost with the process: name a file, as sqlite:///mlflow.db does")
    return None if name.startswith("file:") else Path(name)


def absent_database(uri: str) -> Path | None:
    """The file of an SQLite address if it does not exist; None for other addresses."""
    path = database_file(uri)
    return None if path is None or path.exists() else path


def create_database(uri: str) -> None:
    """Make a new SQLite store under a temporary name, so that a kill cannot leave one with only half of its tables.

    MLflow takes seconds to create the tables, and refuses a database that has only some of them.
    """
    from mlflow import MlflowClient

    path = absent_database(uri)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".creating-") as folder:
        new = Path(folder) / path.name
        MlflowClient(tracking_uri=f"sqlite:///{quote(str(new))}").search_experiments()
        with suppress(FileExistsError):  # another process was faster: its database is as good
            os.link(new, path)
