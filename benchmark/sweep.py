"""The grid of runs: what is there is left, what is missing is run, or only counted."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmark.checks import check_access
from benchmark.job import open_job
from benchmark.outlook import Work, outlook, outlook_by_rates
from benchmark.progress import Stages
from benchmark.rates import Rates
from benchmark.runner import Look, missing_cells, run_sweep
from benchmark.settings import RunSettings
from benchmark.tracking import Tracker, open_tracker
from datasets.base import Dataset
from datasets.plurals import counted


def run_grid(grid: Sequence[RunSettings], look: Look = missing_cells) -> None:
    """Check every run of the grid, then run the cells that `look` gives, as `run_sweep`."""
    stages, tracker, work = _open(grid, look)
    for job, cells in work:
        if cells:
            check_access(job.settings, job.method)
    if any(cells for _, cells in work):
        run_sweep(work, tracker, stages, look)


def count_grid(grid: Sequence[RunSettings], look: Look = missing_cells, rates: Rates | None = None) -> None:
    """Check every run of the grid, then print what there is to do, with hours by `rates` or by finished cells."""
    _, tracker, work = _open(grid, look)
    text = outlook_by_rates(work, rates) if rates else outlook(work, tracker.finished_cells())
    print(text, file=sys.stdout)  # noqa: T201


def _open(grid: Sequence[RunSettings], look: Look) -> tuple[Stages, Tracker, Work]:
    """The grid's jobs, each with its cells that are to be run."""
    stages = Stages()
    opened: dict[str, Dataset] = {}
    jobs = [open_job(settings, opened) for settings in grid]
    tracker = open_tracker()
    work = [(job, look(job, tracker)) for job in jobs]
    total, missing = sum(len(job.cells) for job in jobs), sum(len(cells) for _, cells in work)
    stages.say(f"{counted(total, 'cell')}, {total - missing} finished already, {missing} to run")
    return stages, tracker, work
