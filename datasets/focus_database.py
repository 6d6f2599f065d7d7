"""FOCUS' `annotations.db`: the authors' annotations of each image.

An SQLite database with one table:

    annotations(file_name TEXT PRIMARY KEY, category, time, weather, locations, humans)

`file_name` begins with a slash and is relative to the focus folder; `locations` is a sorted list, separated by ", ".
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import UserError

AGAIN = "get FOCUS again (`python -m benchmark prepare focus` says where)"

_QUERY = "SELECT file_name, category, time, weather, locations, humans FROM annotations ORDER BY file_name"


@dataclass(frozen=True)
class Annotation:
    """One row of the database; NULL becomes an empty string."""

    category: str
    time: str
    weather: str
    locations: str
    humans: str


def read_annotations(path: Path) -> dict[str, Annotation]:
    """Image path relative to the focus folder → the image's annotation.

    Raises:
        UserError: the file is missing, truncated, not an SQLite database, of another schema, or has no rows.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; {_one_folder_deeper(path) or AGAIN}")
    try:
        with closing(sqlite3.connect(_address(path), uri=True)) as connection:
            rows = connection.execute(_QUERY).fetchall()
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path}: not the annotations of FOCUS ({error}); {AGAIN}") from None
    if not rows:
        raise UserError(f"{path}: the table of annotations is empty; {AGAIN}")
    return {_text(name).removeprefix("/"): Annotation(*map(_text, values)) for name, *values in rows}


def _one_folder_deeper(path: Path) -> str:
    """Advice if the file is one folder deeper, as after unpacking an archive; empty if it is not there either."""
    inner = next(path.parent.glob(f"*/{path.name}"), None)
    return f"it is in {inner.parent}: move everything in there up into {path.parent}" if inner else ""


def _address(path: Path) -> str:
    """The URI that opens the database read-only, also in a folder that cannot be written to.

    With `immutable`, SQLite creates no files beside the database. It would also ignore an existing log, which holds
    part of the data; the option is therefore left out if there is one.
    """
    logs = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    immutable = "" if any(log.exists() for log in logs) else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{immutable}"


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
