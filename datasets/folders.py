"""Datasets whose images are files in one folder per class."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from datasets.base import Example
from datasets.class_folders import (
    composed,
    describe_ignored,
    entries,
    files_below,
    is_broken_link,
    is_image_name,
)
from datasets.errors import UserError
from datasets.files import FilesDataset
from datasets.plurals import counted

_log = logging.getLogger(__name__)

Groups = tuple[tuple[Example, ...], ...]
"""Examples by class, in label order."""


class FolderDataset(FilesDataset):
    """Reads class folders under `root`. An example's identifier is its path relative to `root`, in composed Unicode."""

    _names: tuple[str, ...]
    """The class folders' names, in label order."""
    _all: tuple[Example, ...]

    @property
    def class_folders(self) -> tuple[str, ...]:
        return tuple(composed(name) for name in self._names)

    def _path(self, example: Example) -> Path:
        return self._paths.get(example.identifier, self.root / example.identifier)

    @cached_property
    def _paths(self) -> dict[str, Path]:
        """Identifier → path, spelled as in the file system."""
        return {}

    def _read(self, folders: Sequence[Path], unreadable: str) -> dict[Path, Groups]:
        """Per folder, each class's examples in natural order; every file is decoded once to check it.

        The first folder holds the training images; a warning names classes without an image in another folder.

        Raises:
            UserError: a folder holds an unknown class or no image at all, two class folders mean the same class, a
                file cannot be decoded, or a link is broken or circular.
        """
        require_distinct(folders[0], self._names, self.classes)
        labels = {composed(name): label for label, name in enumerate(self._names)}
        found = {folder: _files_by_class(folder, labels, self.root, apart=folders) for folder in folders}
        _warn_of_loose_images({self.root, *folders})
        readable = self._readable([path for files in found.values() for _, path in files], unreadable)
        groups = {folder: self._by_class(files, readable) for folder, files in found.items()}
        for folder, classes in groups.items():
            if not any(classes):
                raise UserError(f"{folder}: no readable image in its class folders")
        for folder in folders[1:]:
            _warn_of_gaps(folder, self._names, groups[folder])
        self._all = tuple(example for classes in groups.values() for example in flat(classes))
        return groups

    def examples(self, seed: int) -> Iterator[Example]:
        """Every readable image, whatever the seed."""
        yield from self._all

    def _readable(self, files: Sequence[Path], unreadable: str) -> set[Path]:
        images = [path for path in files if is_image_name(path) or is_broken_link(path)]
        if len(images) < len(files):
            chosen = set(images)
            _log.warning(describe_ignored([path for path in files if path not in chosen]))
        return set(self._check_images(images, unreadable))

    def _by_class(self, files: Sequence[tuple[int, Path]], readable: set[Path]) -> Groups:
        examples = (Example(self._identify(path), label) for label, path in files if path in readable)
        return by_class(examples, len(self.classes))

    def _identify(self, path: Path) -> str:
        """The file's identifier, from which `_path` finds the file."""
        identifier = composed(path.relative_to(self.root).as_posix())
        try:
            identifier.encode()
        except UnicodeEncodeError:
            raise UserError(f"{str(path)!a}: the name is not valid UTF-8; rename the file") from None
        if self._paths.setdefault(identifier, path) != path:
            raise UserError(f"{path}: another file's name differs only in its Unicode form; rename one")
        return identifier


def by_class(examples: Iterable[Example], classes: int) -> Groups:
    """The examples of each class, in the order given; `classes` is the number of classes."""
    groups: list[list[Example]] = [[] for _ in range(classes)]
    for example in examples:
        groups[example.label].append(example)
    return tuple(map(tuple, groups))


def flat(groups: Sequence[Sequence[Example]]) -> tuple[Example, ...]:
    """All examples of all classes as one sequence, class by class."""
    return tuple(example for group in groups for example in group)


def require_folder(folder: Path, what: str) -> Path:
    """`folder` itself; if it is missing, raises `UserError` with its absolute path and the advice `what`."""
    if not folder.is_dir():
        raise UserError(f"{folder.absolute()}: no such folder; {what}")
    return folder


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, in natural order; hidden ones are ignored, links are followed.

    Raises:
        UserError: a link is broken.
    """
    found = entries(folder)
    if broken := [path for path in found if is_broken_link(path)]:
        raise UserError(f"{broken[0]}: a broken link; fix or remove it")
    return [path for path in found if path.is_dir()]


def class_noun(folder_name: str) -> str:
    """The noun that a class folder's name stands for: `cell_phone` → "cell phone"."""
    return " ".join(composed(folder_name).replace("_", " ").split())


def require_distinct(folder: Path, names: Sequence[str], nouns: Sequence[str]) -> None:
    """Raises `UserError` if two class folders in `folder` differ only in case or Unicode form or have the same noun, or
    if one has no noun.
    """
    by_name: dict[str, str] = {}
    by_noun: dict[str, str] = {}
    for name, noun in zip(names, nouns, strict=True):
        if (other := by_name.setdefault(composed(name).casefold(), name)) != name:
            form = "Unicode form" if composed(name) == composed(other) else "case"
            raise UserError(
                f"{folder}: class folders '{other}' and '{name}' differ only in {form}; merge or rename one"
            )
        if not noun:
            raise UserError(f"{folder}: class folder '{name}' has no word in its name; rename it")
        if (other := by_noun.setdefault(noun.casefold(), name)) != name:
            raise UserError(f"{folder}: class folders '{other}' and '{name}' both mean '{noun}'; merge or rename one")


def require_images(names: Sequence[str], groups: Groups, needed: int, purpose: str, remedy: str) -> None:
    """Raises `UserError` naming the first class with fewer than `needed` images, `purpose` and `remedy`."""
    few = [(name, len(group)) for name, group in zip(names, groups, strict=True) if len(group) < needed]
    if few:
        (name, count), more = few[0], f" (and {len(few) - 1} more with too few)" if len(few) > 1 else ""
        raise UserError(f"class '{name}' has {counted(count, 'image')}{more}: {purpose} needed; {remedy}")


def _files_by_class(
    folder: Path, labels: Mapping[str, int], root: Path, apart: Sequence[Path]
) -> list[tuple[int, Path]]:
    """(label, file) for every file in the class folders; ignores the folders `apart` and files beside class folders."""
    found = []
    for class_folder in subfolders(folder):
        if class_folder in apart:
            continue
        name = composed(class_folder.name)
        if name not in labels:
            raise UserError(f"{class_folder}: class '{name}' has no folder of training images{_nearly(name, labels)}")
        found += [(labels[name], path) for path in files_below(class_folder, above=(str(root.resolve()),))]
    return found


def _warn_of_loose_images(folders: Iterable[Path]) -> None:
    """Warn about images beside the class folders (or beside train/), which are ignored, perhaps by mistake."""
    files = [path for folder in sorted(folders) for path in entries(folder) if is_image_name(path)]
    if loose := [path for path in files if not path.is_dir()]:
        _log.warning(
            "%s beside the class folders %s ignored, having no class: %s%s",
            counted(len(loose), "image file"),
            "is" if len(loose) == 1 else "are",
            loose[0],
            " …" if len(loose) > 1 else "",
        )


def _nearly(name: str, labels: Mapping[str, int]) -> str:
    return "".join(f", but '{known}' has: rename one" for known in labels if known.casefold() == name.casefold())


def _warn_of_gaps(folder: Path, names: Sequence[str], groups: Groups) -> None:
    if missing := [composed(name) for name, group in zip(names, groups, strict=True) if not group]:
        _log.warning(
            "%s: %d of the %d classes without an image: %s", folder, len(missing), len(names), ", ".join(missing)
        )
