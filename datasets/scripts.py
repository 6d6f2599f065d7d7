"""Scripts beside the main command line, run by `python -m`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from datasets.errors import UserError


def run_script(command: Callable[..., Any]) -> None:
    """Run a function as a Typer command; a `UserError` is one line on stderr and exit code 2, as of every command."""
    import typer

    try:
        typer.run(command)
    except UserError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
