"""Downloading archives: interrupted downloads are resumed, and files are verified before they are used."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from datasets.base import Advance
from datasets.errors import UserError
from datasets.transfer import BrokenOff, CannotResume, Refused, append

Stage = Callable[[str, int, str], AbstractContextManager[Advance]]
"""Shows the progress of a stage, given its name, its total (0: unknown) and the unit (`bytes` or `files`)."""

ATTEMPTS = 5
"""The download is given up after this many attempts in a row that bring no new bytes."""
WAIT = 1.0
"""Seconds before the next attempt; doubled for each further attempt in a row that brings no new bytes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """A file to download, and the folders in it that belong to a dataset.

    `folders` are in the archive's folder `inside` and go to `<data root>/<dataset>`. `size` in bytes and `checksum`
    (`sha256:<hexadecimal>`, or another algorithm of hashlib) are omitted for an archive that is packed on request.
    """

    url: str
    file_name: str
    dataset: str
    folders: tuple[str, ...]
    inside: str = ""
    size: int = 0
    checksum: str = ""


def download(archive: Archive, folder: Path, stage: Stage) -> Path:
    """The archive as a file in `folder`, whole and with the right checksum.

    The file is named `<name>.partial` until it is verified, so a download that was killed resumes from its last byte.
    If the file exists already, it is only verified, without contacting the server.

    Raises:
        UserError: the server or the network keeps failing, the file is wrong, or the disk is full.
    """
    path = folder / archive.file_name
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.exists():
            _verify(archive, path, stage)
            return path
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(archive, partial, stage)
        _verify(archive, partial, stage)
        return partial.replace(path)
    except OSError as error:
        raise UserError(
            f"{error.filename or partial}: {error.strerror or error}; fix that (free some space, or give another "
            "data root) and run the same command again: it continues from there"
        ) from error


def require_space(folder: Path, size: int, what: str) -> None:
    """Raises `UserError` unless `size` bytes fit on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"{folder}: {what} needs {size / 1e9:.2f} GB, but only {free / 1e9:.2f} GB are free; "
            "free some, or give a data root on a larger disk"
        )


def _fetch(archive: Archive, partial: Path, stage: Stage) -> None:
    """Fill `partial` up to the archive's size or, if that is unknown, up to the end that the server reports."""
    if archive.size and _length(partial) > archive.size:
        partial.unlink()
    have = _length(partial)
    require_space(partial.parent, archive.size - have, archive.file_name)
    with stage(f"download {archive.file_name}", archive.size, "bytes") as advance:
        advance(have)
        _fetch_by_attempts(archive, partial, advance)


def _fetch_by_attempts(archive: Archive, partial: Path, advance: Advance) -> None:
    furthest, failures = _length(partial), 0
    while not 0 < archive.size <= _length(partial):
        try:
            append(archive.url, partial, archive.size, advance)
            if not archive.size:
                return
            if _length(partial) < archive.size:
                raise BrokenOff(f"the server stopped at {_length(partial)} of {archive.size} bytes")
        except Refused as error:
            raise _given_up(archive, partial, error) from None
        except BrokenOff as error:
            reached = _length(partial)
            failures = 0 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures == ATTEMPTS:
                raise _given_up(archive, partial, error) from None
            if isinstance(error, CannotResume):
                advance(-reached)
                partial.unlink()
            _log.warning("%s: %s; trying again", archive.url, error)
            time.sleep(WAIT * 2 ** max(0, failures - 1))


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _given_up(archive: Archive, partial: Path, error: Exception) -> UserError:
    return UserError(
        f"{archive.url}: {error}; run the same command again, which continues from {_length(partial)} bytes, "
        f"or fetch the file by hand and place it at {partial.with_name(archive.file_name)}"
    )


def _verify(archive: Archive, path: Path, stage: Stage) -> None:
    """Raises `UserError` unless the file has the archive's size and checksum; a wrong `.partial` file is removed."""
    if archive.size and _length(path) != archive.size:
        raise _wrong(archive, path, "size", str(archive.size), str(_length(path)))
    if archive.checksum:
        algorithm, _, expected = archive.checksum.partition(":")
        with stage(f"check {archive.file_name}", _length(path), "bytes") as advance:
            got = _checksum(path, algorithm, advance)
        if got != expected:
            raise _wrong(archive, path, algorithm, expected, got)


def _checksum(path: Path, algorithm: str, advance: Advance) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()


def _wrong(archive: Archive, path: Path, what: str, expected: str, got: str) -> UserError:
    """The error for a wrong file. The file is removed if we downloaded it, but not if a person placed it there."""
    ours = path.name != archive.file_name
    if ours:
        path.unlink()
    return UserError(
        f"{path}: wrong {what}, expected {expected}, got {got}; "
        f"{'it was removed: run' if ours else 'remove it and run'} the same command again, "
        f"or fetch {archive.url} by hand and place it at {path.with_name(archive.file_name)}"
    )
