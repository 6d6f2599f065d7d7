"""A cell's images as a folder to train on: what `python -m benchmark export` does."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.file_names import FileNames
from benchmark.records import PLAN, Record
from benchmark.run_command import run_command
from benchmark.store import IMAGES, Store
from benchmark.training_photos import class_folders, training_task
from datasets.base import Example
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.images import reads_plainly
from datasets.whole_file import whole_folder

PROVENANCE = "provenance.csv"

REAL, SYNTHETIC = "real", "synthetic"

HOW = ("prompt", "noise_std", "strength", "guidance_scale", "steps", "seed")
"""Columns of the plan that say how an image was made; a real one has none of them."""

COLUMNS = ("file", "kind", "class", "guide", *HOW, "weight", "run", "method")
"""Of `provenance.csv`. guide: the real image that one was made from, by its name in the dataset; weight: 1 for a real
image, and for a synthetic one what Eq. 2 of DIAGen weighs it with among those of its guide."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of the files that torchvision's ImageFolder reads; it leaves out others without a word."""


@dataclass(frozen=True)
class ExportedImage:
    """An image to write. `facts`: its line of `provenance.csv` by column, but for the file; `suffix`: of its file;
    `write`: puts the image at a path.
    """

    facts: Mapping[str, Any]
    suffix: str
    write: Callable[[Path], object]


@dataclass(frozen=True)
class Exported:
    """How many images were written, and why no real ones where they could not be read."""

    real: int
    synthetic: int
    without_photos: str = ""


def export_cell(cell: Record, store: Store, folder: Path, data_root: str = "") -> Exported:
    """Write a cell's synthetic images and the real ones that it was trained on into a new folder: all of it or nothing.

    Args:
        data_root: where the real images lie now; empty: where they lay when the cell ran.

    Raises:
        UserError: a synthetic image is not in the store; the folder cannot be written, or is there and not empty.
    """
    refuse_filled(folder)
    synthetic = synthetic_images(cell, store)
    real, why = _real_images_or_why_not(cell, data_root)
    write_folder(folder, [*real, *synthetic], class_folders(cell))
    return Exported(len(real), len(synthetic), why)


def refuse_filled(folder: Path) -> None:
    """Raise `UserError` where something lies under the name of a folder that is to be made, but for an empty folder."""
    try:
        filled = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    if filled:
        raise UserError(f"{folder} is there already, and no empty folder: name another folder with --out")


def synthetic_images(cell: Record, store: Store) -> list[ExportedImage]:
    """The cell's synthetic images, in the order in which they were planned.

    Raises:
        UserError: an image is not in the store.
    """
    plan = cell.tables[PLAN]
    paths = [store.path(IMAGES, name, ".png") for name in plan["image"]]
    if missing := [path for path in paths if not path.is_file()]:
        raise UserError(_not_in_store(cell, store, missing, len(paths)))
    names = ("class", "guide", *HOW, "weight")
    facts = (dict(zip(names, row, strict=True)) for row in zip(*(plan[name] for name in names), strict=True))
    return [
        ExportedImage({"kind": SYNTHETIC, **own, **_origin(cell)}, ".png", partial(shutil.copyfile, path))
        for own, path in zip(facts, paths, strict=True)
    ]


def real_images(cell: Record, task: FewShotTask) -> list[ExportedImage]:
    """The real images that the cell was trained on, by class: their files as they are.

    As PNG are written those that are drawn, and those that torchvision would leave out or read otherwise than the cell.
    """
    return [_real_image(cell, task, example) for example in task.train]


def write_folder(folder: Path, images: Sequence[ExportedImage], folders: Mapping[str, str]) -> None:
    """Write the images into class folders, and `provenance.csv` beside those: all of it or nothing.

    Args:
        folders: what those of the classes are to be called by class noun; those of other classes have the noun's name.

    Raises:
        UserError: the folder cannot be written, or is there and not empty.
    """
    try:
        with whole_folder(folder) as unfinished:
            lines = list(_write_images(unfinished, images, FileNames(folders)))
            with (unfinished / PROVENANCE).open("w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
                table.writeheader()
                table.writerows(lines)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _real_images_or_why_not(cell: Record, data_root: str) -> tuple[list[ExportedImage], str]:
    try:
        return real_images(cell, training_task(cell, data_root)), ""
    except UserError as error:
        return [], str(error)


def _write_images(folder: Path, images: Iterable[ExportedImage], names: FileNames) -> Iterator[dict[str, Any]]:
    """The images' lines of `provenance.csv`, each once its file is written."""
    for image in images:
        name = names.photo if image.facts["kind"] == REAL else names.numbered
        file = name(image.facts["class"], image.facts["guide"], image.suffix)
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        image.write(path)
        yield {"file": file, **image.facts}


def _real_image(cell: Record, task: FewShotTask, example: Example) -> ExportedImage:
    facts = {"kind": REAL, "class": task.classes[example.label], "guide": example.identifier, "weight": 1.0}
    file = task.dataset.file(example)
    if file is not None and file.suffix.lower() in SUFFIXES and reads_plainly(file):
        return ExportedImage({**facts, **_origin(cell)}, file.suffix, partial(shutil.copyfile, file))
    return ExportedImage({**facts, **_origin(cell)}, ".png", lambda path: task.image(example).save(path))


def _origin(cell: Record) -> dict[str, str]:
    return {"run": cell.run, "method": cell.tags["method"]}


def _cannot_write(folder: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {folder}: {error.strerror or error}; name another folder with --out")


def _not_in_store(cell: Record, store: Store, missing: Sequence[Path], count: int) -> str:
    again = run_command(cell, [cell.shots], [cell.seed], cell.parameters.get("data_root", ""))
    return (
        f"{len(missing)} of {count} images are not in the store {store.folder} (the first: {missing[0].name}): name "
        f"the store of run {cell.run} by DIAGEN_STORE, or make them again with `{again}`"
    )
