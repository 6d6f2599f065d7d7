"""A folder to train on: real photos, the images made from them, and a table of where each comes from."""

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
"""Columns of the plan that say how a synthetic image was made; they are empty for real images."""

COLUMNS = ("file", "kind", "class", "guide", *HOW, "weight", "run", "method")
"""Columns of `provenance.csv`. guide: the dataset's name for the real image, or for the one that a synthetic image was
made from; weight: 1 for a real image, for a synthetic one its weight among the images of its guide in DIAGen's Eq. 2;
run: the tracked run that it comes from, if any."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of the files that torchvision's ImageFolder reads; it ignores others silently."""


@dataclass(frozen=True)
class ImageToWrite:
    """An image for the folder. `facts`: its row of `provenance.csv` by column, without `file`; `suffix`: its file's
    suffix; `write`: a function that writes the image to a path.
    """

    facts: Mapping[str, Any]
    suffix: str
    write: Callable[[Path], object]


def refuse_unwritable(folder: Path) -> None:
    """Raise `UserError` if `write_folder` could not make the folder; asked first, since generation can take hours.

    It cannot if the path exists and is not an empty folder, if an empty folder there cannot be replaced, or if nothing
    can be written at that place.
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
    """The task's real images, by class; each file is opened only when its turn comes.

    Files are copied unchanged. Images without a file, and files that torchvision would ignore or read differently than
    this project does, are written as PNG.

    Args:
        origin: columns of `provenance.csv` that are the same for all images.
    """
    return (_real_image(task, example, origin) for example in task.train)


def synthetic_images(
    plan: Mapping[str, Sequence[Any]], files: Sequence[Path], origin: Mapping[str, str]
) -> list[ImageToWrite]:
    """The images that were made by a plan, in its order.

    Args:
        plan: its columns, as from `benchmark.evaluate.plan_table`.
        files: the images' files, in the plan's order.
        origin: columns of `provenance.csv` that are the same for all images.
    """
    names = ("class", "guide", *HOW, "weight")
    facts = (dict(zip(names, row, strict=True)) for row in zip(*(plan[name] for name in names), strict=True))
    return [
        ImageToWrite({"kind": SYNTHETIC, **own, **origin}, ".png", partial(shutil.copyfile, file))
        for own, file in zip(facts, files, strict=True)
    ]


def write_folder(folder: Path, images: Iterable[ImageToWrite], folders: Mapping[str, str]) -> None:
    """Write the images into class folders, with `provenance.csv` beside them: either everything or nothing.

    Args:
        folders: names of the class folders by class noun; the folders of other classes are named after the noun.

    Raises:
        UserError: the folder cannot be written, or it exists and is not empty.
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
    """A sentence that tells the user what was written."""
    return f"{folder}: {real} real and {synthetic} synthetic images; {PROVENANCE} says where each is from"


def _write_images(folder: Path, images: Iterable[ImageToWrite], names: FileNames) -> Iterator[dict[str, Any]]:
    """Write each image to its file, then yield its row of `provenance.csv`."""
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
