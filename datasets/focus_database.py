"""FOCUS' `annotations.db`: what its authors say of each image.

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
    """One row; an empty text where the database holds nothing."""

    category: str
    time: str
    weather: str
    locations: str
    humans: str


def read_annotations(path: Path) -> dict[str, Annotation]:
    """Path relative to the focus folder → what the database says of that image.

    Raises:
        UserError: the file is missing, no SQLite database, cut short, of another schema, or without a row.
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
    """What to do where the file lies in a folder beside, as archives unpack to; empty where it does not."""
    inner = next(path.parent.glob(f"*/{path.name}"), None)
    return f"it is in {inner.parent}: move everything in there up into {path.parent}" if inner else ""


def _address(path: Path) -> str:
    """The database for reading alone, also where nothing can be written.

    SQLite reads an `immutable` file without making files beside it. A log that lies beside it holds part of the data.
    """
    logs = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    immutable = "" if any(log.exists() for log in logs) else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{immutable}"


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
