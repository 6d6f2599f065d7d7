"""The home folder in paths that users write."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from datasets.errors import UserError


def path_of(text: str) -> Path:
    """The path that a text names, with a leading `~` expanded to the home folder.

    Raises:
        UserError: the home folder is not known, or the name is too long for the file system: no file can have it, and
            `Path.is_file` would raise an error.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise UserError(f"{text}: the home folder at its beginning is not known; write the full path") from None
    try:
        os.lstat(path)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ENAMETOOLONG:
            raise UserError(f"{text[:60]}…: too long for the name of a file or folder") from None
    return path
