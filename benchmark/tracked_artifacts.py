"""What a tracked run keeps in files, fetched when it is asked for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from benchmark.records import Table, table_from_json
from datasets.errors import NOT_PARSED, UserError, reason_of

T = TypeVar("T")


class Artifacts(Mapping[str, T]):
    """A run's artifacts in one folder by name, each fetched once, when it is asked for."""

    def __init__(self, client: Any, run: str, folder: str, suffix: str, read: Callable[[Path], T]) -> None:
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
                try:
                    self._fetched[name] = self._read(Path(path))
                except (*NOT_PARSED, LookupError, TypeError) as error:
                    raise UserError(
                        f"{self._paths[name]} of run {self._run} is damaged where MLflow keeps it "
                        f"({reason_of(error)}): start that run again"
                    ) from error
        return self._fetched[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def read_table(path: Path) -> Table:
    return table_from_json(json.loads(path.read_text(encoding="utf-8")))
