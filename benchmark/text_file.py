"""Text files that a command leaves in the folder of --out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from datasets.errors import UserError


def write_text(path: Path, text: str) -> Path:
    """Write a whole file or none, with the user's usual permissions; the path itself.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            whole = Path(folder) / path.name
            whole.write_text(text, encoding="utf-8", newline="\n")
            whole.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; name another folder with --out") from error
    return path
