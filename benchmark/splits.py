"""Writes split files: what `python -m benchmark split` does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark.job import open_job
from benchmark.settings import RunSettings
from benchmark.text_file import write_text
from datasets.split_file import to_text


def write_splits(settings: RunSettings, folder: Path) -> Iterator[Path]:
    """Write a split file for each cell of the settings; yield each path once it is written.

    Raises:
        UserError: the data cannot be used, or the folder cannot be written to.
    """
    job = open_job(settings)
    for cell in job.cells:
        path = folder / f"{settings.dataset}-{cell.shots}-shots-seed-{cell.seed}.json"
        yield write_text(path, to_text(job.split(cell)))
