"""The command line: what is set up before any command, and the message and exit code when one fails."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from benchmark.commands import app
from benchmark.failed_cells import CellsFailed
from benchmark.interrupted import INTERRUPTED, STOPPED
from datasets.errors import UserError

ENVIRONMENT = {
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Threads that wait for each other sleep instead of spinning, which is up to seven times as fast on cores shared
    # with another process.
    "OMP_WAIT_POLICY": "passive",
}
"""Defaults for the libraries, set before any of them is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. A user's mistake is reported in one line on standard error."""
    _set_up()
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(args=given or ["--help"], standalone_mode=False) or 0
        sys.stdout.flush()  # now, so that a full disk is reported in one line
        return _complain(STOPPED, code) if code == INTERRUPTED else code
    except UserError as error:
        return _complain(str(error), 2)
    except CellsFailed as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return _complain(STOPPED, INTERRUPTED)
    except SystemExit as error:
        return _ended(error)
    except Exception as error:
        if hasattr(error, "format_message"):  # Typer's own errors: an unknown option, a missing argument
            return _complain(_of_arguments(error.format_message()), 2)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE):
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # on exit Python would flush, and complain, again
            return _complain(f"cannot write {error.filename or 'the output'}: {error.strerror}", 1)
        traceback.print_exc()
        return 1


def _set_up() -> None:
    """Set up signal handlers, standard output, and the libraries' defaults."""
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # under nohup it is ignored
        signal.signal(signal.SIGHUP, _interrupt)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # no command fails over an α that the terminal cannot show
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _complain(message: str, code: int) -> int:
    print(" ".join(message.split()), file=sys.stderr)  # noqa: T201
    return code


def _of_arguments(message: str) -> str:
    """Say what is wrong with the arguments and what to do about it."""
    several = "unexpected extra argument" in message and "=" in message
    return f"{message}: each setting needs a --set before it." if several else f"{message} Try --help."


def _ended(error: SystemExit) -> int:
    """Say where some code ended the program, and return code 1: silence and code 0 would look like success."""
    if isinstance(error.__context__, BrokenPipeError):  # Typer's own exit: the reader closed the pipe, as `head` does
        return 1
    place = traceback.extract_tb(error.__traceback__)[-1]
    return _complain(f"{place.filename}, line {place.lineno}, ends the program: raise an error there instead", 1)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Treat SIGTERM (from `mlflow run` or a batch system) and SIGHUP (from a closing terminal) like Ctrl-C."""
    raise KeyboardInterrupt
