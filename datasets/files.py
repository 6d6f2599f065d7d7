"""Datasets whose images lie as files under one folder."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.base import Dataset, Example
from datasets.images import file_digest, load_rgb

if TYPE_CHECKING:
    from PIL.Image import Image


class FilesDataset(Dataset):
    """An example's identifier is its file's path relative to `root`."""

    root: Path

    def load(self, example: Example) -> Image:
        return load_rgb(self._path(example))

    def file(self, example: Example) -> Path:
        return self._path(example)

    def digest(self, example: Example) -> str:
        if example.identifier not in self._digests:
            self._digests[example.identifier] = file_digest(self._path(example))
        return self._digests[example.identifier]

    def _path(self, example: Example) -> Path:
        return self.root / example.identifier

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}
