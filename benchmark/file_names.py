"""File and folder names made from arbitrary text: safe on every file system and unique."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from pathlib import PurePosixPath

from datasets.class_folders import composed
from datasets.part_folders import PARTS

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')
_AT_THE_ENDS = re.compile(r"^\.+|[. ]+$")
"""Leading dots, which hide a file or lead to another folder, and trailing dots and spaces, which Windows drops."""

_DEVICES = ("aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)))
"""Names that Windows reserves for devices."""

_LONGEST = 150
"""The most bytes in a name before anything is appended; file systems allow 255."""


def safe_name(text: str, reserved: tuple[str, ...] = _DEVICES) -> str:
    """Turn the text into the name of a folder, or of a file without suffix: never empty, hidden or nested.

    Args:
        reserved: lower-case names that must not be used; an underscore is appended to them.
    """
    cut = composed(text).strip().encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").rstrip()
    name = _AT_THE_ENDS.sub("_", _NOT_IN_NAMES.sub("_", cut)) or "_"
    return f"{name}_" if name.lower() in reserved else name


class FileNames:
    """Hands out unique paths `<class>/<file>` for images, unique even if the file system ignores case.

    wanted: the wanted name of each class's folder; a class without one has a folder named after its noun.
    """

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._wanted = wanted
        self._folders: dict[str, str] = {}
        self._taken: set[str] = set()

    def photo(self, noun: str, identifier: str, suffix: str) -> str:
        """The photo's own name in the folder of its class: `cup/IMG_0012.jpg`."""
        stem = _stem(identifier)
        more = (f"{stem} ({number}){suffix}" for number in count(2))
        return self._free(self._folder(noun), chain([f"{stem}{suffix}"], more))

    def numbered(self, noun: str, identifier: str, suffix: str) -> str:
        """The photo's name with the next free number, for an image made from it: `cup/IMG_0012_1.png`."""
        stem = _stem(identifier)
        return self._free(self._folder(noun), (f"{stem}_{number}{suffix}" for number in count(1)))

    def _folder(self, noun: str) -> str:
        if noun not in self._folders:
            name = safe_name(self._wanted.get(noun, noun), (*_DEVICES, *PARTS))
            more = (f"{name} ({number})" for number in count(2))
            self._folders[noun] = self._free("", chain([name], more))
        return self._folders[noun]

    def _free(self, folder: str, names: Iterable[str]) -> str:
        paths = (PurePosixPath(folder, name).as_posix() for name in names)
        path = next(path for path in paths if path.casefold() not in self._taken)
        self._taken.add(path.casefold())
        return path


def _stem(identifier: str) -> str:
    return safe_name(PurePosixPath(identifier).stem)
