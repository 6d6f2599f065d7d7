"""Atomic writing: a reader finds a file or folder complete or not at all, even if the writing process dies."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file under a temporary name in the same folder; it is renamed to `path` if no error occurs.

    It gets the usual permissions of the user's files, so that others can read it in a shared folder.

    Raises:
        OSError: the folder cannot be made, or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Make a folder to fill under a temporary name beside `folder`; it is renamed to `folder` if no error occurs.

    An existing empty folder is replaced. If `folder` is a link, the folder that it points to is replaced.

    Raises:
        OSError: the folder cannot be made, or it already exists and is not empty.
    """
    folder = folder.resolve()  # `.` has no name to extend, and a folder cannot replace a link
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".writing-{secrets.token_hex(8)}")
    temporary.mkdir()
    try:
        yield temporary
        with suppress(FileNotFoundError):
            folder.rmdir()
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
