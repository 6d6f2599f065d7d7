"""Failing cells of a sweep: each is reported in one line, and the others go on."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datasets.errors import CannotKeep, UserError
from datasets.plurals import counted

if TYPE_CHECKING:
    from benchmark.progress import Stages

ERROR_FILE = "error.txt"
"""Artifact of a failed run that contains the Python traceback."""


class CellsFailed(Exception):
    """Raised at the end of a sweep in which cells failed; its message has a line for each of them."""

    def __init__(self, lines: Sequence[str]) -> None:
        head = (
            f"{counted(len(lines), 'cell')} failed, the others are finished; the same command runs what failed again, "
            f"and the traceback is in {ERROR_FILE} of the cell's MLflow run:"
        )
        super().__init__("\n    ".join([head, *lines]))


class FailedCells:
    """The cells that have failed so far.

    lines: cell and reason for each.
    """

    def __init__(self, stages: Stages) -> None:
        self.lines: list[str] = []
        self._stages = stages

    @contextmanager
    def tolerated(self, cell: str) -> Iterator[None]:
        """A context in which the cell may fail, unless the error would hit every other cell as well."""
        try:
            yield
        except (Exception, SystemExit) as error:  # a method's code may raise anything
            if _would_hit_every_cell(error):
                raise
            self.lines.append(f"{cell}: {_reason(error)}")
            self._stages.say(f"    failed: {_reason(error)}")


def _would_hit_every_cell(error: BaseException | None) -> bool:
    """Whether the disk is full or the store cannot be written to: every later cell would be computed for nothing."""
    if error is None:
        return False
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or isinstance(error, CannotKeep) or _would_hit_every_cell(error.__cause__)


def _reason(error: BaseException) -> str:
    """The error in one line, with its class unless it is a `UserError`."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}{': ' if text else ''}{text}"
