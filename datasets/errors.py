"""The exception that is raised for users' mistakes, and helpers for its one-line message."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import yaml

NOT_PARSED = (yaml.YAMLError, ValueError, RecursionError)
"""What the YAML and JSON parsers raise for invalid text. ValueError includes text that is not UTF-8 and dates in a 13th
month; RecursionError means that brackets are nested too deep."""


_MOST_NAMES = 40
"""The maximum number of known names that a message lists if it also has advice; if there are more, it lists none."""


class UserError(Exception):
    """A mistake that the user can correct. Its message is one line: what is wrong, where, what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class CannotKeep(UserError):
    """Results cannot be saved (a full disk, a lost tracking server); nor could those of anything that runs next."""


def reason_of(error: BaseException) -> str:
    """The message of a library's error, shortened to fit into one line; its class if it has no message."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    return " ".join(str(error).split())[:160] or type(error).__name__


def kind_of(value: object) -> str:
    """The type of a value that a plugin returned, for a message that says what it should have returned."""
    return "nothing" if value is None else f"a {type(value).__name__}"


class UnknownName(UserError):
    """A name that nothing is registered under; the message offers the nearest names.

    advice: what to do, shown if no known name is similar.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        names = sorted(known)
        nearest = get_close_matches(name, names, n=3, cutoff=0.5)
        listed = [f"known: {', '.join(names)}"] if len(names) <= _MOST_NAMES or not advice else []
        others = "; ".join([*listed, *([advice] if advice else [])])
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else others
        super().__init__(f"unknown {kind} '{name}'; {hint}")
