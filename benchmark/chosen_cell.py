"""Choosing a tracked cell by the run that the user names, or else the latest one."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.records import FINISHED, PLAN, Record
from benchmark.selection import of_dataset
from benchmark.tracking import PARENT
from datasets.errors import UserError
from datasets.plurals import counted


def choose_cell(cells: Sequence[Record], run: str = "", dataset: str = "", method: str = "") -> Record:
    """A finished cell with synthetic images: the one of the given run, or the latest.

    Args:
        run: the id of a cell's run, or of a parent run with exactly one finished cell.
        dataset, method: those of the cell, if given; among several image folders, the name that a leaderboard shows.

    Raises:
        UserError: there is no such cell, or the run has several.
    """
    own = [
        cell
        for cell in of_dataset(cells, dataset)
        if (not run or run in (cell.run, cell.tags.get(PARENT))) and (not method or cell.tags["method"] == method)
    ]
    return _only(own, run) if run else _latest(own)


def _latest(cells: Sequence[Record]) -> Record:
    finished = sorted((cell for cell in cells if cell.status == FINISHED), key=lambda cell: -cell.ended)
    for cell in finished:
        if PLAN in cell.tables:
            return cell
    if gone := sum(not cell.tables for cell in finished):
        raise UserError(
            f"no finished run with synthetic images has its tables: those of {counted(gone, 'run')} are no longer "
            "where MLflow looks for them; start such a run again, and its images will come from the store"
        )
    raise UserError(
        "no finished run with synthetic images is tracked here, or none matches --dataset and --method: leave those "
        "out, run `python -m benchmark run --method diagen` first, or set MLFLOW_TRACKING_URI"
    )


def _only(cells: Sequence[Record], run: str) -> Record:
    finished = [cell for cell in cells if cell.status == FINISHED]
    if not cells:
        raise UserError(
            f"no run of a method with the id {run} is tracked here: `mlflow ui` shows the ids; MLFLOW_TRACKING_URI "
            "says where to look for runs"
        )
    if not finished:
        raise UserError(f"run {run} did not finish ({cells[0].title}: {cells[0].status}): start it again")
    if len(finished) > 1:
        ordered = sorted(finished, key=lambda cell: (cell.shots, cell.seed))
        known = "; ".join(f"{cell.run} ({counted(cell.shots, 'shot')}, seed {cell.seed})" for cell in ordered)
        raise UserError(f"run {run} has {len(finished)} cells; choose one with --run: {known}")
    if not finished[0].tables:
        raise UserError(
            f"the tables of run {run} ({finished[0].title}) are no longer where MLflow looks for them: "
            "choose another run, or start this one again, and its images will come from the store"
        )
    if PLAN not in finished[0].tables:
        raise UserError(f"run {run} made no images ({finished[0].title}): choose a run of another method")
    return finished[0]
