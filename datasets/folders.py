"""Datasets whose images lie as files in a folder a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.base import Dataset, Example
from datasets.errors import UserError
from datasets.few_shot import natural_key
from datasets.images import check_images, file_digest, load_rgb

if TYPE_CHECKING:
    from PIL.Image import Image


class FolderDataset(Dataset):
    """Reads class folders under `root`; an example's identifier is its path relative to `root`."""

    root: Path
    _names: tuple[str, ...]
    """The class folders' names, in label order."""

    def load(self, example: Example) -> Image:
        return load_rgb(self.root / example.identifier)

    def digest(self, example: Example) -> str:
        if example.identifier not in self._digests:
            self._digests[example.identifier] = file_digest(self.root / example.identifier)
        return self._digests[example.identifier]

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}

    def _read(self, folders: Sequence[Path], unreadable: str) -> dict[Path, tuple[tuple[Example, ...], ...]]:
        """Per folder, each class's examples in natural order; every file is decoded once to be sure of it.

        Raises:
            UserError: a folder holds an unknown class or no image at all, or a file cannot be decoded.
        """
        labels = {name: label for label, name in enumerate(self._names)}
        found = {folder: _files_by_class(folder, labels, apart=folders) for folder in folders}
        readable = set(check_images([path for classes in found.values() for _, path in classes], unreadable))
        result = {}
        for folder, files in found.items():
            if not any(path in readable for _, path in files):
                raise UserError(f"{folder}: no readable image in its class folders")
            result[folder] = self._by_class(files, readable)
        return result

    def _by_class(self, files: Sequence[tuple[int, Path]], readable: set[Path]) -> tuple[tuple[Example, ...], ...]:
        examples: list[list[Example]] = [[] for _ in self.classes]
        for label, path in files:
            if path in readable:
                examples[label].append(Example(path.relative_to(self.root).as_posix(), label))
        return tuple(tuple(group) for group in examples)


def flat(groups: Sequence[Sequence[Example]]) -> tuple[Example, ...]:
    """All examples of all classes, by class."""
    return tuple(example for group in groups for example in group)


def require_folder(folder: Path, what: str) -> Path:
    """`folder` itself; raises `UserError` saying `what` it should hold where it is missing."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; {what}")
    return folder


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, in natural order; hidden ones are ignored."""
    return _sorted(path for path in folder.iterdir() if path.is_dir())


def class_noun(folder_name: str) -> str:
    """The noun that a class folder stands for: `cell_phone` is a cell phone."""
    return folder_name.replace("_", " ").strip()


def _files_by_class(folder: Path, labels: Mapping[str, int], apart: Sequence[Path]) -> list[tuple[int, Path]]:
    """(label, file) of every file in the class folders; the folders `apart` and files beside them are no class."""
    found = []
    for class_folder in subfolders(folder):
        if class_folder in apart:
            continue
        if class_folder.name not in labels:
            raise UserError(f"{class_folder}: class '{class_folder.name}' has no folder of training images")
        files = _sorted(path for path in class_folder.iterdir() if not path.is_dir())
        found += [(labels[class_folder.name], path) for path in files]
    return found


def _sorted(paths: Iterable[Path]) -> list[Path]:
    visible = (path for path in paths if not path.name.startswith("."))
    return sorted(visible, key=lambda path: natural_key(path.name))
