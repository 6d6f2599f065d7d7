"""Scripts beside the main command line, run by `python -m`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from datasets.errors import UserError


def run_script(command: Callable[..., Any]) -> None:
    """Run a function as a Typer command; a `UserError` becomes one line on stderr and exit code 2, as in every command.

    So does a missing file or a missing package: some scripts need packages that runs do not.
    """
    import typer

    try:
        typer.run(command)
    except UserError as error:
        _refuse(str(error))
    except FileNotFoundError as error:
        _refuse(f"{error.filename}: no such file or folder" if error.filename else str(error))
    except ModuleNotFoundError as error:
        _refuse(f"{error}: this script needs `pip install -r requirements-dev.txt`")


def _refuse(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201
    sys.exit(2)
