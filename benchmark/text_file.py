"""Text files that a command writes into the folder of its --out option."""

from __future__ import annotations

from pathlib import Path

from datasets.errors import UserError
from datasets.whole_file import whole_file


def write_text(path: Path, text: str) -> Path:
    """Write the whole file or nothing, and return its path.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; name another folder with --out") from error
    return path
