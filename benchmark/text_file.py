"""Text files that a command leaves in the folder of --out."""

from __future__ import annotations

from pathlib import Path

from datasets.errors import UserError
from datasets.whole_file import whole_file


def write_text(path: Path, text: str) -> Path:
    """Write a whole file or none; the path itself.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; name another folder with --out") from error
    return path
