"""Datasets whose images are files under one folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.base import Dataset, Example
from datasets.images import check_images, file_digest, image_problem, load_rgb

if TYPE_CHECKING:
    from PIL.Image import Image


class FilesDataset(Dataset):
    """A dataset of image files; an example's identifier is its file's path relative to `root`."""

    root: Path

    def load(self, example: Example) -> Image:
        return load_rgb(self._path(example))

    def file(self, example: Example) -> Path:
        return self._path(example)

    def digest(self, example: Example) -> str:
        if example.identifier not in self._digests:
            self._digests[example.identifier] = file_digest(self._path(example))
        return self._digests[example.identifier]

    def _check_images(self, files: Sequence[Path], unreadable: str) -> list[Path]:
        """The readable files, in order (see `check_images`); adds a line to `skipped` for each of the others."""
        readable = check_images(files, unreadable)
        kept = set(readable)
        self.skipped += tuple(image_problem(path) for path in files if path not in kept)
        return readable

    def _path(self, example: Example) -> Path:
        return self.root / example.identifier

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}
