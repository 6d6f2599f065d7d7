"""A folder to train on: real photos, the images that were made from them, and where each is from."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.file_names import FileNames
from datasets.base import Example
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.image_folder import PROVENANCE
from datasets.images import reads_plainly
from datasets.whole_file import whole_folder

REAL, SYNTHETIC = "real", "synthetic"

HOW = ("prompt", "noise_std", "strength", "guidance_scale", "steps", "seed")
"""Columns of the plan that say how an image was made; a real one has none of them."""

COLUMNS = ("file", "kind", "class", "guide", *HOW, "weight", "run", "method")
"""Of `provenance.csv`. guide: the real image that one was made from, by its name in the dataset; weight: 1 for a real
image, and for a synthetic one what Eq. 2 of DIAGen weighs it with among those of its guide; run: the tracked run of
which it is, where one is."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of the files that torchvision's ImageFolder reads; it leaves out others without a word."""


@dataclass(frozen=True)
class ImageToWrite:
    """An image for the folder. `facts`: its line of `provenance.csv` by column, but for the file; `suffix`: of its
    file; `write`: puts the image at a path.
    """

    facts: Mapping[str, Any]
    suffix: str
    write: Callable[[Path], object]


def refuse_unwritable(folder: Path) -> None:
    """Raise `UserError` where `write_folder` could not make the folder: hours of generation may come before that.

    Something lies there that is no empty folder, an empty one cannot give way to another, or no file can be made where
    the folder is to lie.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} already exists and is not an empty folder: name another folder with --out")
        place = folder.resolve()
        if place.is_mount() or place == Path.cwd():
            what = "a disk is mounted there" if place.is_mount() else "this command runs in it"
            raise UserError(f"{folder} cannot be replaced, since {what}: name a new folder inside it with --out")
        with TemporaryDirectory(dir=next(parent for parent in place.parents if parent.exists())):
            pass
    except OSError as error:
        raise _cannot_write(folder, error) from error


def real_images(task: FewShotTask, origin: Mapping[str, str]) -> Iterator[ImageToWrite]:
    """The task's real images, by class: their files as they are, each looked at when its turn comes.

    As PNG are written those that are drawn, and those that torchvision would leave out or read otherwise than we do.

    Args:
        origin: columns of `provenance.csv` that are the same for all.
    """
    return (_real_image(task, example, origin) for example in task.train)


def synthetic_images(
    plan: Mapping[str, Sequence[Any]], files: Sequence[Path], origin: Mapping[str, str]
) -> list[ImageToWrite]:
    """The images of a plan that was carried out, in its order.

    Args:
        plan: its columns, as `benchmark.evaluate.plan_table` gives them.
        files: of the images, in the plan's order.
        origin: columns of `provenance.csv` that are the same for all.
    """
    names = ("class", "guide", *HOW, "weight")
    facts = (dict(zip(names, row, strict=True)) for row in zip(*(plan[name] for name in names), strict=True))
    return [
        ImageToWrite({"kind": SYNTHETIC, **own, **origin}, ".png", partial(shutil.copyfile, file))
        for own, file in zip(facts, files, strict=True)
    ]


def write_folder(folder: Path, images: Iterable[ImageToWrite], folders: Mapping[str, str]) -> None:
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


def contents(folder: Path, real: int, synthetic: int) -> str:
    """What was written, for people."""
    return f"{folder}: {real} real and {synthetic} synthetic images; {PROVENANCE} says where each is from"


def _write_images(folder: Path, images: Iterable[ImageToWrite], names: FileNames) -> Iterator[dict[str, Any]]:
    """The images' lines of `provenance.csv`, each once its file is written."""
    for image in images:
        name = names.photo if image.facts["kind"] == REAL else names.numbered
        file = name(image.facts["class"], image.facts["guide"], image.suffix)
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        image.write(path)
        yield {"file": file, **image.facts}


def _real_image(task: FewShotTask, example: Example, origin: Mapping[str, str]) -> ImageToWrite:
    facts = {"kind": REAL, "class": task.classes[example.label], "guide": example.identifier, "weight": 1.0, **origin}
    file = task.dataset.file(example)
    if file is not None and file.suffix.lower() in SUFFIXES and reads_plainly(file):
        return ImageToWrite(facts, file.suffix, partial(shutil.copyfile, file))
    return ImageToWrite(facts, ".png", lambda path: task.image(example).save(path))


def _cannot_write(folder: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {folder}: {error.strerror or error}; name another folder with --out")
