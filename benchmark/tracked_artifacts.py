"""The files of a tracked run, fetched when they are asked for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from benchmark.records import Table, columns
from datasets.errors import NOT_PARSED, UserError, reason_of

T = TypeVar("T")


class _Columns(dict[str, list[Any]]):
    """A table's columns by name; a missing column raises an error that says that the table is damaged.

    where: the table's file and run.
    """

    def __init__(self, columns: Mapping[str, list[Any]], where: str) -> None:
        super().__init__(columns)
        self._where = where

    def __missing__(self, name: str) -> NoReturn:
        raise _damaged(self._where, f"it lacks the column '{name}'")


class Artifacts(Mapping[str, T]):
    """A run's artifacts in one folder by name, each fetched once, when it is first asked for."""

    def __init__(self, client: Any, run: str, folder: str, suffix: str, read: Callable[[Path, str], T]) -> None:
        """read: takes a file and the name for it in an error message, and returns its content."""
        self._client, self._run, self._folder, self._suffix, self._read = client, run, folder, suffix, read
        self._fetched: dict[str, T] = {}

    @cached_property
    def _paths(self) -> dict[str, str]:
        found = self._client.list_artifacts(self._run, self._folder or None)
        paths = [item.path for item in found if not item.is_dir and item.path.endswith(self._suffix)]
        return {Path(path).name.removesuffix(self._suffix): path for path in paths}

    def __getitem__(self, name: str) -> T:
        if name not in self._fetched:
            with tempfile.TemporaryDirectory() as folder:
                path = self._client.download_artifacts(self._run, self._paths[name], folder)
                where = f"{self._paths[name]} of run {self._run}"
                try:
                    self._fetched[name] = self._read(Path(path), where)
                except (*NOT_PARSED, LookupError, TypeError) as error:
                    raise _damaged(where, reason_of(error)) from error
        return self._fetched[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def read_table(path: Path, where: str) -> Table:
    """Read a table that MLflow wrote: `{"columns": [...], "data": [[...], ...]}`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return _Columns(columns(content["columns"], content["data"]), where)


def read_bytes(path: Path, _where: str) -> bytes:
    return path.read_bytes()


def _damaged(where: str, reason: str) -> UserError:
    return UserError(f"{where} is damaged where MLflow keeps it ({reason}): start that run again")
