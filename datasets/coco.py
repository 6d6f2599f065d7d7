"""MS COCO 2017 as a classification dataset: an image's class is that of its largest object.

Expected on disk (the folder may also be named coco2017):

    coco/
        train2017/*.jpg                             118,287 images
        val2017/*.jpg                               5,000 images
        annotations/instances_train2017.json
        annotations/instances_val2017.json
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets.base import DATASETS, Advance, Example, Splits, Verification
from datasets.coco_annotations import COCO_CLASSES, CROWD_CHOICES, PREPARE, how_to_complete
from datasets.coco_index import FolderIndex, folder_index
from datasets.download import Archive
from datasets.errors import UserError
from datasets.few_shot import TRAIN_POOL_SIZE, class_permutation
from datasets.files import FilesDataset
from datasets.folders import flat
from datasets.images import UNREADABLE_CHOICES
from datasets.location import dataset_folder
from datasets.plurals import counted
from datasets.quick_check import check_ends
from datasets.verification import unreadable_files

TRAIN, VAL = "train2017", "val2017"
LISTED = {TRAIN: 118_287, VAL: 5_000}
"""Number of images in each published annotation file."""

_ADVICE = f"the data root (--data-root or DIAGEN_DATA) must hold the coco folder; {PREPARE}"

_log = logging.getLogger(__name__)


@DATASETS.register("coco")
class Coco(FilesDataset):
    """Shots from train2017, tested on all of val2017; images without annotations are left out.

    Args:
        crowd: whether annotations of crowds are candidates for an image's largest object: `count` them, as in the
            published code, or `ignore` them.
        validation: validation images: with `train2017` those that follow a class's train pool, so that no test image
            selects a model; with `val2017` the test images themselves, as in the published code: validation and test
            are then the same set.
        validation_per_class: number of validation images per class with `train2017`, at most; 100, as in FOCUS.

    Raises:
        UserError: a folder or an annotation file is missing or broken, or images are missing while `unreadable` is
            `refuse`. There are too many images to check here: `splits` checks both ends of the files that it uses.
    """

    title = "MS COCO 2017"
    source = "https://cocodataset.org"
    licence = "annotations: CC-BY-4.0; images: their owners', under Flickr's terms of use"
    archives = (
        Archive(
            url="http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
            file_name="annotations_trainval2017.zip",
            dataset="coco",
            folders=("annotations",),
            size=252_907_541,
            checksum="sha256:113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
        ),
        Archive(
            url="http://images.cocodataset.org/zips/val2017.zip",
            file_name="val2017.zip",
            dataset="coco",
            folders=(VAL,),
            size=815_585_330,
            checksum="sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
        ),
        Archive(
            url="http://images.cocodataset.org/zips/train2017.zip",
            file_name="train2017.zip",
            dataset="coco",
            folders=(TRAIN,),
            size=19_336_861_798,
            checksum="sha256:69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
        ),
    )
    other_folders = ("coco2017",)
    classes = COCO_CLASSES
    published = {"validation": 8_000, "test": 4_952}

    def __init__(
        self,
        data_root: Path | None = None,
        unreadable: str = "refuse",
        *,
        crowd: str = "count",
        validation: str = TRAIN,
        validation_per_class: int = 100,
    ) -> None:
        _require_choice("unreadable", unreadable, UNREADABLE_CHOICES)
        _require_choice("coco.crowd", crowd, CROWD_CHOICES)
        _require_choice("coco.validation", validation, (TRAIN, VAL))
        if validation_per_class < 1:
            raise UserError(f"coco.validation_per_class={validation_per_class}: must be at least 1")
        self.root = dataset_folder(data_root, "coco", "annotations", _ADVICE, self.other_folders)
        self._unreadable, self._validation, self._validation_per_class = unreadable, validation, validation_per_class
        self._whole: dict[Path, bool] = {}
        self._indices = {folder: folder_index(self.root, folder, crowd) for folder in (TRAIN, VAL)}
        for folder, index in self._indices.items():
            _check_presence(self.root / folder, index, unreadable)

    def splits(self, seed: int) -> Splits:
        """See `Dataset.splits`.

        Raises:
            UserError: a class has too few images, or a file is empty, truncated or not an image while `unreadable` is
                `refuse`. With `skip`, validation and test get fewer images. Damage in the middle of a file shows in
                `load`.
        """
        self._require_images()
        last = TRAIN_POOL_SIZE + self._validation_per_class
        orders = [self._shuffled(label, seed)[:last] for label in range(len(self.classes))]
        *groups, test = self._readable([*(self._examples(TRAIN, order) for order in orders), self._all_examples(VAL)])
        pools = tuple(group[:TRAIN_POOL_SIZE] for group in groups)
        rests = flat([group[TRAIN_POOL_SIZE:] for group in groups])
        return Splits(pools, test if self._validation == VAL else rests, {"test": test})

    def examples(self, seed: int) -> Iterator[Example]:
        """Every labelled image of both folders."""
        for folder in self._indices:
            yield from self._all_examples(folder)

    @classmethod
    def verify(cls, data_root: Path | None, advance: Advance, **settings: Any) -> Verification:
        """Decode every labelled image, and count them by class and folder; see `Dataset.verify`.

        Images without annotations are neither used nor checked.
        """
        dataset = cls(data_root, unreadable="skip", **settings)
        problems = [*dataset._differences(), *dataset._missing_files(), *dataset._too_few()]
        problems += unreadable_files(dataset, list(dataset.examples(0)), advance)
        return Verification(dataset._counts(), tuple(problems))

    def _rows(self, folder: str, label: int) -> npt.NDArray[np.int64]:
        """The rows of a class's images in the folder's index, without images that are missing on disk."""
        index = self._indices[folder]
        return np.flatnonzero((index.labels == label) & index.present)

    def _examples(self, folder: str, rows: npt.NDArray[np.int64]) -> tuple[Example, ...]:
        index = self._indices[folder]
        pairs = zip(index.names[rows].tolist(), index.labels[rows].tolist(), strict=True)
        return tuple(Example(f"{folder}/{name}", label) for name, label in pairs)

    def _all_examples(self, folder: str) -> tuple[Example, ...]:
        return self._examples(folder, np.flatnonzero(self._indices[folder].present))

    def _readable(self, groups: Sequence[tuple[Example, ...]]) -> list[tuple[Example, ...]]:
        """The groups without the files that `check_ends` leaves out; each file is checked only once."""
        paths = [path for path in map(self._path, flat(groups)) if path not in self._whole]
        readable = set(check_ends(paths, self._unreadable))
        self._whole |= {path: path in readable for path in paths}
        return [tuple(example for example in group if self._whole[self._path(example)]) for group in groups]

    def _require_images(self) -> None:
        if lines := self._too_few():
            more = f", and {counted(len(lines) - 1, 'more class')} like it" if len(lines) > 1 else ""
            raise UserError(f"{lines[0]}{more}; {how_to_complete(self.root / TRAIN)}")

    def _too_few(self) -> list[str]:
        """One line for each class with too few images for a train pool and one validation image."""
        needed = TRAIN_POOL_SIZE + 1
        counts = {noun: row[TRAIN] for noun, row in self._counts().items()}
        return [
            f"{self.root / TRAIN}: class '{noun}' has {counted(count, 'image')}, {needed} are needed"
            for noun, count in counts.items()
            if count < needed
        ]

    def _shuffled(self, label: int, seed: int) -> npt.NDArray[np.int64]:
        """The rows of a class in train2017, sorted in natural order and then shuffled as in `split_pool`."""
        rows = self._rows(TRAIN, label)
        return rows[class_permutation(self.classes[label], len(rows), seed)]

    def _counts(self) -> dict[str, dict[str, int]]:
        return {
            noun: {folder: len(self._rows(folder, label)) for folder in self._indices}
            for label, noun in enumerate(self.classes)
        }

    def _missing_files(self) -> list[str]:
        return [
            f"{self.root / folder / name}: no such image file, although it is annotated"
            for folder, index in self._indices.items()
            for name in index.names[~index.present].tolist()
        ]

    def _differences(self) -> list[str]:
        return [
            f"instances_{folder}.json lists {index.listed:,} images, but the published file lists {LISTED[folder]:,}"
            for folder, index in self._indices.items()
            if index.listed != LISTED[folder]
        ]


def _check_presence(folder: Path, index: FolderIndex, unreadable: str) -> None:
    missing = index.names[~index.present]
    if len(missing) == 0:
        return
    found = f"{folder}: {len(missing)} of {len(index.names)} labelled images are missing, the first is {missing[0]}"
    if unreadable == "refuse":
        raise UserError(f"{found}; {how_to_complete(folder)}, or leave them out with --set unreadable=skip")
    _log.warning("%s; they are left out", found)


def _require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"{name}={value}: choose one of {', '.join(choices)}")
