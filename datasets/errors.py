"""The one exception that a user's mistake raises, and what goes into its line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import yaml

NOT_PARSED = (yaml.YAMLError, ValueError, RecursionError)
"""What YAML and JSON raise for a text that is none: a ValueError also where it is no UTF-8, or has a date in a 13th
month; a RecursionError where its brackets are nested too deep."""


MOST_NAMES = 40
"""How many known names a line lists beside an advice that leads to all of them."""


class UserError(Exception):
    """A mistake that the user can mend. Its message is one line: what is wrong, where, what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class CannotKeep(UserError):
    """What is made cannot be kept: a disk is full, a tracking server is gone. Whatever is made next cannot either."""


def reason_of(error: BaseException) -> str:
    """What an error of a library says, as part of one line; its class where it says nothing."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    return " ".join(str(error).split())[:160] or type(error).__name__


def kind_of(value: object) -> str:
    """What somebody's code gave, as part of one line that says what it should have given."""
    return "nothing" if value is None else f"a {type(value).__name__}"


class UnknownName(UserError):
    """A name that nothing is registered under; the message offers the nearest names.

    advice: for a name that is like none of those known.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        names = sorted(known)
        nearest = get_close_matches(name, names, n=3, cutoff=0.5)
        listed = [f"known: {', '.join(names)}"] if len(names) <= MOST_NAMES or not advice else []
        others = "; ".join([*listed, *([advice] if advice else [])])
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else others
        super().__init__(f"unknown {kind} '{name}'; {hint}")
