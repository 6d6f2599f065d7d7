"""`python -m benchmark export`: write a cell's images as a folder to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.augmented_folder import ImageToWrite, real_images, refuse_unwritable, synthetic_images, write_folder
from benchmark.records import PLAN, Record
from benchmark.run_command import run_command
from benchmark.store import IMAGES, Store
from benchmark.training_photos import class_folders, training_task
from datasets.errors import UserError


@dataclass(frozen=True)
class Exported:
    """How many images were written, and why there are no real ones if those could not be read."""

    real: int
    synthetic: int
    without_photos: str = ""


def export_cell(cell: Record, store: Store, folder: Path, data_root: str = "") -> Exported:
    """Write a cell's synthetic images and the real ones that it was trained on into a new folder, or nothing.

    Real images that cannot be found are left out, and the result says why.

    Args:
        data_root: where the real images are now; empty: where they were when the cell ran.

    Raises:
        UserError: a synthetic image is not in the store; the folder cannot be written, or it exists and is not empty.
    """
    refuse_unwritable(folder)
    synthetic = synthetic_images(cell.tables[PLAN], _files(cell, store), _origin(cell))
    real, why = _real_images_or_why_not(cell, data_root)
    write_folder(folder, [*real, *synthetic], class_folders(cell))
    return Exported(len(real), len(synthetic), why)


def _files(cell: Record, store: Store) -> list[Path]:
    """Files of the cell's synthetic images, in the order of its plan."""
    paths = [store.path(IMAGES, name, ".png") for name in cell.tables[PLAN]["image"]]
    if missing := [path for path in paths if not path.is_file()]:
        raise UserError(_not_in_store(cell, store, missing, len(paths)))
    return paths


def _real_images_or_why_not(cell: Record, data_root: str) -> tuple[list[ImageToWrite], str]:
    try:
        return list(real_images(training_task(cell, data_root), _origin(cell))), ""
    except UserError as error:
        return [], str(error)


def _origin(cell: Record) -> dict[str, str]:
    return {"run": cell.run, "method": cell.tags["method"]}


def _not_in_store(cell: Record, store: Store, missing: Sequence[Path], count: int) -> str:
    again = run_command(cell, [cell.shots], [cell.seed], cell.parameters.get("data_root", ""))
    return (
        f"{len(missing)} of {count} images are not in the store {store.folder} (the first: {missing[0].name}): set "
        f"DIAGEN_STORE to the store of run {cell.run}, or make them again with `{again}`"
    )
