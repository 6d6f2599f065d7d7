"""The grid of runs: finished cells are left alone, and missing ones are run, or only counted."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmark.checks import check_access
from benchmark.job import open_job
from benchmark.outlook import Work, outlook, outlook_by_rates
from benchmark.progress import Stages
from benchmark.rates import Rates
from benchmark.run_identity import dataset_fingerprint
from benchmark.runner import Look, missing_cells, run_sweep
from benchmark.settings import RunSettings, open_dataset
from benchmark.tracking import Tracker, open_tracker
from datasets.base import DATASETS, Dataset
from datasets.location import NotOnDisk
from datasets.plurals import counted
from datasets.published_counts import PublishedCounts


def run_grid(grid: Sequence[RunSettings], look: Look = missing_cells) -> None:
    """Check every run of the grid, then run the cells that `look` returns (see `run_sweep`)."""
    stages = Stages()
    tracker, work = _open(grid, look, stages, {})
    for job, cells in work:
        if cells:
            check_access(job.settings, job.method)
    if any(cells for _, cells in work):
        run_sweep(work, tracker, stages, look)


def count_grid(grid: Sequence[RunSettings], look: Look = missing_cells, rates: Rates | None = None) -> None:
    """Check every run of the grid, then print what is left to do, with hours estimated from `rates` or finished cells.

    Datasets that are not on disk are counted by their published numbers of images, where these are known.
    """
    stages = Stages()
    tracker, work = _open(grid, look, stages, _open_or_published(grid, stages))
    text = outlook_by_rates(work, rates) if rates else outlook(work, tracker.finished_cells())
    print(text, file=sys.stdout)  # noqa: T201


def _open(grid: Sequence[RunSettings], look: Look, stages: Stages, opened: dict[str, Dataset]) -> tuple[Tracker, Work]:
    """The grid's jobs, each with its cells to run; `opened` is passed to `open_job`."""
    jobs = [open_job(settings, opened) for settings in grid]
    tracker = open_tracker()
    work = [(job, look(job, tracker)) for job in jobs]
    total, missing = sum(len(job.cells) for job in jobs), sum(len(cells) for _, cells in work)
    stages.say(f"{counted(total, 'cell')}, {total - missing} finished already, {missing} to run")
    return tracker, work


def _open_or_published(grid: Sequence[RunSettings], stages: Stages) -> dict[str, Dataset]:
    """The grid's datasets by their settings (see `open_job`), with stand-ins for those that are not on disk.

    Raises:
        NotOnDisk: the number of a dataset's images is not known, or split files name the images to use.
    """
    opened: dict[str, Dataset] = {}
    for settings in {dataset_fingerprint(settings): settings for settings in grid}.values():
        plugin = DATASETS[settings.dataset]
        try:
            dataset = open_dataset(settings)
        except NotOnDisk:
            if settings.split_files or not plugin.published:
                raise
            stages.say(f"{settings.dataset} is not on disk: using its published numbers of images")
            dataset = PublishedCounts(plugin)
        opened[dataset_fingerprint(settings)] = dataset
    return opened
