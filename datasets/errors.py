"""The one exception that a user's mistake raises."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake that the user can mend. Its message is one line: what is wrong, where, what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class UnknownName(UserError):
    """A name that nothing is registered under; the message offers the nearest names."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        nearest = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"known: {', '.join(names)}"
        super().__init__(f"unknown {kind} '{name}'; {hint}")
