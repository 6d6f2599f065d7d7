"""The home folder in paths that users write."""

from __future__ import annotations

from pathlib import Path

from datasets.errors import UserError


def path_of(text: str) -> Path:
    """The path of a text, in which a leading `~` is the home folder; raises `UserError` where that is not known."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UserError(f"{text}: the home folder that it begins with is not known; write the whole path") from None
