"""A cached index of the labelled images in one of COCO's image folders.

An index is a file `<cache>/coco-index/<fingerprint>.npz` of a few hundred kilobytes; the annotations are 448 MB. Its
fingerprint covers the size and modification time of the annotation file and the modification time of the image folder,
which changes when a file is added or removed. An unchanged folder is therefore read only once.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets.cache import default_cache
from datasets.coco_annotations import PREPARE, how_to_complete, read_labels
from datasets.errors import UserError, reason_of
from datasets.few_shot import natural_key
from datasets.folders import require_folder
from datasets.seeding import fingerprint
from datasets.whole_file import whole_file

VERSION = 1
"""Part of the fingerprint: increase it when the way an index is made changes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderIndex:
    """The images of one folder that have a label, in natural order of their names.

    names (N,): file names; labels (N,): indices into `COCO_CLASSES`; present (N,): whether the file is in the folder;
    listed: number of images in the annotation file, with or without a label.
    """

    names: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    present: npt.NDArray[np.bool_]
    listed: int


def folder_index(root: Path, folder: str, crowd: str) -> FolderIndex:
    """The index of `<root>/<folder>`, from the cache or built from `<root>/annotations/instances_<folder>.json`.

    Raises:
        UserError: the image folder is missing, or the annotation file is missing or invalid.
    """
    images = require_folder(root / folder, PREPARE)
    annotations = root / "annotations" / f"instances_{folder}.json"
    path = _path(annotations, images, crowd)
    index = _read(path)
    if index is None:
        index = _build(annotations, images, crowd)
        _write(path, index)
    return index


def _path(annotations: Path, images: Path, crowd: str) -> Path:
    try:
        stamp = annotations.stat()
    except OSError as error:
        advice = how_to_complete(annotations.parent)
        raise UserError(f"{annotations}: the annotation file cannot be read ({error.strerror}); {advice}") from None
    key = fingerprint(
        "coco-index", VERSION, images.name, stamp.st_size, stamp.st_mtime_ns, images.stat().st_mtime_ns, crowd
    )
    return default_cache() / "coco-index" / f"{key}.npz"


def _build(annotations: Path, images: Path, crowd: str) -> FolderIndex:
    # A warning, because lower levels are not shown by default, and this takes seconds.
    _log.warning("%s: reading the annotations; this happens only once", annotations)
    found = read_labels(annotations, crowd)
    names = sorted(found.labels, key=natural_key)
    with os.scandir(images) as entries:
        files = {entry.name for entry in entries if entry.is_file()}
    return FolderIndex(
        names=np.array(names, dtype=np.str_),
        labels=np.array([found.labels[name] for name in names], dtype=np.int64),
        present=np.array([name in files for name in names], dtype=np.bool_),
        listed=found.listed,
    )


def _read(path: Path) -> FolderIndex | None:
    """The stored index, or None if there is none or it is damaged."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return FolderIndex(arrays["names"], arrays["labels"], arrays["present"], int(arrays["listed"]))
    except Exception as error:  # a decoder may raise anything for a damaged file
        _log.warning("%s is damaged (%s) and is made again", path, reason_of(error))
        return None


def _write(path: Path, index: FolderIndex) -> None:
    """Save the index. Failing to do so only causes a warning, because the data can be used without it."""
    arrays: dict[str, Any] = vars(index)
    try:
        with whole_file(path) as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        _log.warning("%s cannot be saved (%s) and will be made again next time", path, error.strerror or error)
