"""Runs a job's cells in order, one for each seed and number of shots, and tracks each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from statistics import mean
from typing import Any

from benchmark.checks import warn_of_services
from benchmark.evaluate import CellResult
from benchmark.failed_cells import CellsFailed, FailedCells
from benchmark.job import Job
from benchmark.progress import Stages
from benchmark.records import FAILED, FINISHED, RUNNING, Cell, cell_title, method_label
from benchmark.run_cell import run_cell
from benchmark.settings import flatten
from benchmark.store import Store
from benchmark.tools import LocalTools, Models
from benchmark.tracking import LEVEL, RUN, SPLIT, SWEEP, TrackedRun, Tracker


def run_job(job: Job, tracker: Tracker, stages: Stages) -> list[CellResult]:
    """Run every cell of a job, even if it is already tracked, up to the first that fails; return their results.

    What the store holds is not made again.
    """
    models = Models(Store(), stages, job.settings.workers)
    _open_networks([(job, job.cells)], models)
    return _run_cells(job, job.cells, every_cell, tracker, models, None, nullcontext)


def every_cell(job: Job, _tracker: Tracker) -> list[Cell]:
    """All the job's cells, whether or not they are already tracked."""
    return job.cells


def missing_cells(job: Job, tracker: Tracker) -> list[Cell]:
    """The job's cells that have no finished run with the same settings on the same images.

    Cells that another process is running now come last.
    """
    identity = {name: value for name, value in job.tags.items() if name != "overrides" and value}
    known = {(record.status, (*record.cell, record.tags.get(SPLIT, ""))) for record in tracker.cells(identity)}
    if not known:
        return job.cells  # saves reading the images, 13,000 for MS COCO
    missing = [cell for cell in job.cells if (FINISHED, (*cell, job.split(cell).digest)) not in known]
    return sorted(missing, key=lambda cell: (RUNNING, (*cell, job.split(cell).digest)) in known)


Look = Callable[[Job, Tracker], Sequence[Cell]]
"""Chooses the cells of a job to run: `every_cell` or `missing_cells`."""


def run_sweep(
    work: Sequence[tuple[Job, Sequence[Cell]]], tracker: Tracker, stages: Stages, look: Look = missing_cells
) -> None:
    """Run some cells of several jobs under one tracked run.

    Args:
        look: called again before each cell; a cell that it no longer returns is skipped.

    Raises:
        UserError: a network that every cell needs cannot be loaded; no cell was run.
        CellsFailed: some cells failed in ways that say nothing about the others; the others were run.
        CannotKeep: a cell's results could not be saved; nor could those of later cells, so these were not run.
    """
    models = Models(Store(), stages, work[0][0].settings.workers)
    _open_networks(work, models)
    failed = FailedCells(stages)
    with tracker.run("sweep", {LEVEL: SWEEP}) as sweep:
        for job, cells in work:
            if cells:
                with failed.tolerated(f"{method_label(job.tags)} on {job.settings.dataset}"):
                    _run_cells(job, cells, look, tracker, models, sweep, failed.tolerated)
        if failed.lines:
            raise CellsFailed(failed.lines)


def _open_networks(work: Sequence[tuple[Job, Sequence[Cell]]], models: Models) -> None:
    """Load the networks that every cell needs, to report missing weights once and before hours of generation."""
    for job, cells in work:
        if cells:
            LocalTools(job.settings, models, job.first_task).open_networks(job.method)


def _run_cells(
    job: Job,
    cells: Sequence[Cell],
    look: Look,
    tracker: Tracker,
    models: Models,
    parent: TrackedRun | None,
    guard: Callable[[str], AbstractContextManager[Any]],
) -> list[CellResult]:
    """The results of the cells that did not fail.

    Args:
        guard: called with a cell's title; the cell runs in the context it returns, which may swallow the cell's error.
    """
    warn_of_services(job.settings, job.method)
    tools = LocalTools(job.settings, models, job.first_task)
    shots, seeds = (",".join(map(str, dict.fromkeys(values))) for values in zip(*cells, strict=True))
    tags = {**job.tags, LEVEL: RUN, "seed": seeds, "shots": shots}
    with tracker.run(f"{job.settings.method} on {job.settings.dataset}", tags, parent) as run:
        run.log_parameters(flatten(job.settings))
        results = []
        tried = 0
        for cell in _in_turn(job, cells, look, tracker, models.stages):
            tried += 1
            with guard(cell_title(job.tags, cell)):
                results.append(run_cell(job, cell, tools, tracker, run))
        run.log_metrics(_means(results))
        if len(results) < tried:
            run.status = FAILED
    return results


def _in_turn(job: Job, cells: Sequence[Cell], look: Look, tracker: Tracker, stages: Stages) -> Iterator[Cell]:
    """Yield the cells one by one, without those that another process with the same store finishes in the meantime."""
    left = list(cells)
    while left:
        to_run = [cell for cell in look(job, tracker) if cell in left]
        for cell in (cell for cell in left if cell not in to_run):
            stages.say(f"{cell_title(job.tags, cell)}: finished in the meantime by another process")
        yield from to_run[:1]
        left = to_run[1:]


def _means(results: Sequence[CellResult]) -> dict[str, float]:
    """Means over the cells, shown on the parent run for a quick look; the leaderboard reads the cells themselves."""
    names = {name for result in results for name in result.metrics}
    return {name: mean(r.metrics[name] for r in results if name in r.metrics) for name in sorted(names)}
