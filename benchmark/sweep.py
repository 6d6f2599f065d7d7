"""The grid of runs: what is there is left, what is missing is run, or only counted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import mean

from benchmark.progress import Stages
from benchmark.records import Record
from benchmark.runner import Cell, Job, missing_cells, prepare, run_sweep
from benchmark.settings import RunSettings
from benchmark.tracking import Tracker
from datasets.base import Dataset

Work = Sequence[tuple[Job, Sequence[Cell]]]


def open_tracker() -> Tracker:
    """The tracking store, with runs that died without a word marked as killed."""
    tracker = Tracker()
    tracker.end_dead_runs()
    return tracker


def run_grid(grid: Sequence[RunSettings], dry_run: bool = False, again: bool = False) -> None:
    """Check every run of the grid, then run the cells that are missing (all of them with `again`)."""
    stages = Stages()
    opened: dict[str, Dataset] = {}
    jobs = [prepare(settings, opened) for settings in grid]
    tracker = open_tracker()
    work = [(job, job.cells if again else missing_cells(job, tracker)) for job in jobs]
    total, missing = sum(len(job.cells) for job in jobs), sum(len(cells) for _, cells in work)
    stages.say(f"{total} cells, {total - missing} finished already, {missing} to run")
    if dry_run:
        print(outlook(work, tracker.finished_cells()), file=sys.stdout)  # noqa: T201
    elif missing:
        run_sweep(work, tracker, stages)


def outlook(work: Work, finished: Sequence[Record]) -> str:
    """What the work amounts to: cells, words, images, and hours where finished cells tell a method's pace."""
    lines = [f"{'method':<16}{'dataset':<16}{'cells':>6}{'words':>8}{'images':>9}  time"]
    learned: set[tuple[str, Cell]] = set()
    for job, cells in work:
        per_example = getattr(job.method, "images_per_example", 0)
        images = sum(len(job.tasks[cell].train) * per_example for cell in cells)
        new = {(job.settings.dataset, cell) for cell in cells if per_example} - learned
        learned |= new
        words = len(new) * len(job.dataset.classes)
        name, dataset = job.settings.method, job.settings.dataset
        lines.append(f"{name:<16}{dataset:<16}{len(cells):>6}{words:>8}{images:>9}  {_time(job, cells, finished)}")
    return "\n".join([*lines, "At most: what is in the store is not made again, and methods share learned words."])


def _time(job: Job, cells: Sequence[Cell], finished: Sequence[Record]) -> str:
    """From the mean seconds of finished cells of this method, dataset and preset."""
    settings = job.settings
    names = ("method", "dataset", "preset", "protocol")
    same = {name: getattr(settings, name) for name in names}
    known = [cell.metrics for cell in finished if same.items() <= dict(cell.tags).items()]
    if not known:
        return "unknown: no finished cell to go by"
    seconds = mean(sum(value for name, value in metrics.items() if name.startswith("seconds/")) for metrics in known)
    return f"about {seconds * len(cells) / 60:.0f} min"
