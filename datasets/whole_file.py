"""Writing a file or a folder so that a reader finds all of it or nothing, whoever dies meanwhile."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write under a temporary name in the same folder, renamed to `path` when all went well.

    It has the permissions that the user's files have, so that others can read a folder that is shared.

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
    """A folder to fill under a temporary name beside `folder`, renamed to it when all went well.

    An empty folder that is there already gives way; of a link, the folder that it leads to.

    Raises:
        OSError: the folder cannot be made, or one that is not empty is there.
    """
    folder = folder.resolve()  # of `.` no name is known, and no folder takes the place of a link
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
