"""The index of one of COCO's image folders: which labelled images it holds, kept from the first opening on.

An index is a file `<cache>/coco-index/<fingerprint>.npz`, some hundred kilobytes in place of 448 MB of annotations. Its
fingerprint covers the size and time of the annotation file and the time of the image folder, which changes when a file
comes or goes, so that what is there is looked at once and no more.
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
"""Part of the fingerprint: another way to make an index gets another number."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderIndex:
    """The images of one folder that have a label, in natural order of their names.

    names (N,): file names; labels (N,): indices into `COCO_CLASSES`; present (N,): whether the file lies in the folder;
    listed: how many images the annotation file lists, with and without a label.
    """

    names: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    present: npt.NDArray[np.bool_]
    listed: int


def folder_index(root: Path, folder: str, crowd: str) -> FolderIndex:
    """The index of `<root>/<folder>`, from the cache or made from `<root>/annotations/instances_<folder>.json`.

    Raises:
        UserError: the image folder is missing, or the annotation file is not what it should be.
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
    # A warning, because nothing below reaches standard error by default, and this takes seconds.
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
    """The stored index, or None where there is none that can be read."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return FolderIndex(arrays["names"], arrays["labels"], arrays["present"], int(arrays["listed"]))
    except Exception as error:  # whatever a damaged file makes a decoder raise
        _log.warning("%s is damaged (%s) and is made again", path, reason_of(error))
        return None


def _write(path: Path, index: FolderIndex) -> None:
    """Keep the index. Without a place for it the data can still be used, so that a failure is told and no more."""
    arrays: dict[str, Any] = vars(index)
    try:
        with whole_file(path) as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        _log.warning("%s cannot be saved (%s) and will be made again next time", path, error.strerror or error)
