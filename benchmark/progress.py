"""Progress bars on standard error, and the time that each stage takes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from datasets.base import Advance


def up_to(advance: Advance) -> Callable[[int, int], None]:
    """A callback that takes the number of items done so far (and the total, which is ignored) and advances the bar.

    The number may be lower than before, if work is done again.
    """
    before = 0

    def report(done: int, _total: int) -> None:
        nonlocal before
        advance(done - before)
        before = done

    return report


class Stages:
    """Times named stages, and shows a progress bar for each that has something to do.

    On a terminal the bar is live; elsewhere, such as in a log file, a line is written now and then.
    """

    SECONDS_BETWEEN_LINES = 15.0

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def reset(self) -> None:
        self.seconds.clear()
        self.counts.clear()

    @contextmanager
    def stage(self, name: str, total: int = 0, unit: str = "") -> Iterator[Advance]:
        """Count the time spent inside under `name`; with `total` above 0, also show a progress bar.

        The time of a nested stage counts only for the inner one.
        """
        started, before = time.perf_counter(), sum(self.seconds.values())
        bar = _bar(f"{name.replace('_', ' ')}{f' ({unit})' if unit else ''}", total, self.quiet)

        def advance(count: int = 1) -> None:
            self.counts[name] = self.counts.get(name, 0) + count
            bar.advance(count)

        try:
            yield advance
        finally:
            bar.close()
            inside = sum(self.seconds.values()) - before
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started - inside

    def say(self, line: str) -> None:
        """Print one line for the user, unless quiet."""
        if not self.quiet:
            _say(line)


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
    except BrokenPipeError:  # the reader closed the pipe, as `head` does: the work goes on
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115


class _Bar(Protocol):
    def advance(self, count: int) -> None: ...

    def close(self) -> None: ...


def _bar(title: str, total: int, quiet: bool) -> _Bar:
    if quiet or total <= 0:
        return _NoBar()
    return _LiveBar(title, total) if sys.stderr.isatty() else _LineBar(title, total)


class _NoBar:
    def advance(self, count: int) -> None: ...

    def close(self) -> None: ...


class _LiveBar:
    def __init__(self, title: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("    {task.description:<32}"),
            BarColumn(30),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task(title, total=total)
        self._progress.start()

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def close(self) -> None:
        self._progress.stop()


class _LineBar:
    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._started = self._said = time.perf_counter()

    def advance(self, count: int) -> None:
        self._done += count
        if self._done < self._total and time.perf_counter() - self._said > Stages.SECONDS_BETWEEN_LINES:
            self._said = time.perf_counter()
            self._say()

    def close(self) -> None:
        if self._done and time.perf_counter() - self._started > 1.0:
            self._say()

    def _say(self) -> None:
        seconds = time.perf_counter() - self._started
        _say(f"    {self._title}: {self._done}/{self._total} in {seconds:.0f} s")
