"""Finding the image files in users' class folders, and ignoring what operating systems put there."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

from datasets.errors import UserError
from datasets.few_shot import natural_key

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx", "@eadir"}
"""What Windows, macOS archives and network drives leave in folders, besides hidden files; in lower case."""

NOT_PIXELS = {"BUFR", "GRIB", "HDF5", "MPEG"}
"""Formats that Pillow recognises but cannot decode."""

PHOTOS_WITHOUT_DECODER = {".heic", ".heif"}
"""Formats of phones that Pillow cannot read. Ignoring such files would silently drop a user's photos."""


def composed(text: str) -> str:
    """The text in Unicode's composed form (NFC), used to compare names because macOS may store them decomposed."""
    return unicodedata.normalize("NFC", text)


def entries(folder: Path) -> list[Path]:
    """The entries of a folder, without hidden and system files, in a natural order that is the same everywhere."""
    try:
        found = [path for path in folder.iterdir() if not _is_systems_own(path.name)]
    except OSError as error:
        raise UserError(f"{folder}: the folder cannot be read ({error.strerror})") from None
    return sorted(found, key=lambda path: (natural_key(composed(path.name)), composed(path.name)))


def files_below(folder: Path, above: tuple[str, ...] = ()) -> list[Path]:
    """Every file in the folder and its subfolders; links are followed.

    Args:
        above: real paths of the folders through which this one was reached.

    Raises:
        UserError: a link leads back to a folder that contains it.
    """
    real = os.path.realpath(folder)
    if real in above:
        raise UserError(f"{folder}: a link back to {real}, a folder that it is in; remove the link")
    found = []
    for path in entries(folder):
        found += files_below(path, (*above, real)) if path.is_dir() else [path]
    return found


def is_image_name(path: Path) -> bool:
    """Whether the file's suffix is that of an image format."""
    return path.suffix.lower() in image_suffixes()


def is_broken_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


@cache
def image_suffixes() -> frozenset[str]:
    """The suffixes of image formats that Pillow can decode, and of those that users expect it to."""
    from PIL import Image

    registered = Image.registered_extensions()
    decoded = {suffix for suffix, kind in registered.items() if kind in Image.OPEN and kind not in NOT_PIXELS}
    return frozenset(decoded | {".mpo"} | PHOTOS_WITHOUT_DECODER)


def describe_ignored(paths: list[Path]) -> str:
    """One line about the files that are ignored because their names are not those of images."""
    suffixes = Counter(path.suffix.lower() or "no suffix" for path in paths)
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(5))
    files = (
        "1 file that is not an image by its name is"
        if len(paths) == 1
        else f"{len(paths)} files that are not images are"
    )
    return f"{files} ignored ({kinds}): {paths[0]}{' …' if len(paths) > 1 else ''}"


def _is_systems_own(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FILES
