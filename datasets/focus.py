"""FOCUS, Familiar Objects in Common and Uncommon Settings (Kattakinda & Feizi, ICML 2022), as its authors publish it.

Expected on disk:

    focus/
        annotations.db              class, time, weather, locations and humans of each image
        <class>-<setting>/*.jpeg    20,815 annotated images

with the classes bird, car, cat, deer, dog, frog, horse, plane, ship and truck, and the settings desert, fog, forest,
grass, indoors, night, rain, snow, street and water; a class need not have a folder for every setting.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets.base import DATASETS, Advance, Example, Splits, Verification
from datasets.errors import UnknownName, UserError
from datasets.few_shot import TRAIN_POOL_SIZE, split_pool
from datasets.files import FilesDataset
from datasets.focus_database import read_annotations
from datasets.focus_layout import (
    INSTRUCTIONS,
    LABEL_CORRECTIONS,
    PUBLISHED,
    SETTINGS,
    image_names,
    labelled_example,
    named_otherwise,
    other_folders,
)
from datasets.folders import by_class, flat, require_images
from datasets.location import dataset_folder
from datasets.plurals import counted
from datasets.quick_check import check_ends
from datasets.verification import unreadable_files

DATABASE = "annotations.db"

_DIVISION = 0
"""The seed of the permutations that separate test images from the others."""

_ADVICE = (
    "the data root (--data-root or DIAGEN_DATA) must hold the focus folder; "
    "`python -m benchmark prepare focus` says where to get it"
)

_log = logging.getLogger(__name__)


@DATASETS.register("focus")
class Focus(FilesDataset):
    """Ten classes; the test images are the same for every seed, as in the published split, and a seeded permutation of
    each class divides the others into train pool and validation.

    An image's class is the database's category, which overrides the folder. Rows without an image are left out. An
    image without a row, or with a category that is not one of the ten, keeps the class of its folder. Warnings count
    all three. `uncommon_attributes` is based on the database's category whatever `label_corrections` says.

    Args:
        label_corrections: when the database's category overrides the class of an image's folder: for `all` images, or
            only for images `without_humans` according to the database, as in the published code.
        train_and_validation: images per class for training (8) and validation (the others); all further ones are for
            testing.

    Raises:
        UserError: the folder or the database is missing or broken, or an image file is empty, truncated or not an image
            while `unreadable` is `refuse`. Damage in the middle of a file shows in `load`, or in `verify`.
        UnknownName: `label_corrections` is not one of its choices.
    """

    title = "FOCUS"
    source = "https://github.com/priyathamkat/focus"
    licence = (
        "University of Maryland: non-commercial use by universities, non-profit and research institutions, "
        "no redistribution (LICENSE.md of the source, which speaks of software and not of the images)"
    )
    instructions = INSTRUCTIONS
    slices = ("uncommon_attributes", "setting", "time", "weather", "locations", "humans")
    classes = tuple(PUBLISHED)
    published = {"validation": 1_000, "test": 19_735}

    def __init__(
        self,
        data_root: Path | None = None,
        unreadable: str = "refuse",
        *,
        label_corrections: str = "all",
        train_and_validation: int = 108,
    ) -> None:
        if label_corrections not in LABEL_CORRECTIONS:
            raise UnknownName("choice of focus.label_corrections", label_corrections, LABEL_CORRECTIONS)
        if train_and_validation <= TRAIN_POOL_SIZE:
            least = TRAIN_POOL_SIZE + 1
            raise UserError(f"focus.train_and_validation={train_and_validation}: must be at least {least}")
        self._train_and_validation = train_and_validation
        self.root = dataset_folder(data_root, "focus", DATABASE, _ADVICE)
        self._annotations = read_annotations(self.root / DATABASE)
        self._on_disk = [
            labelled_example(name, self._annotations.get(name), label_corrections) for name in image_names(self.root)
        ]
        self._warn()
        readable = set(check_ends([self._path(example) for example in self._on_disk], unreadable))
        self._examples = [example for example in self._on_disk if self._path(example) in readable]

    def splits(self, seed: int) -> Splits:
        """See `Dataset.splits`; raises `UserError` for classes with too few images."""
        groups = by_class(self._examples, len(PUBLISHED))
        size = self._train_and_validation
        remedy = f"complete {self.root} or lower --set focus.train_and_validation"
        require_images(self.classes, groups, size + 1, f"{size} to train and validate on and 1 to test are", remedy)
        named = zip(self.classes, groups, strict=True)
        seen, tests = zip(*(split_pool(noun, group, _DIVISION, size) for noun, group in named), strict=True)
        named = zip(self.classes, seen, strict=True)
        pools, rests = zip(*(split_pool(noun, group, seed) for noun, group in named), strict=True)
        return Splits(tuple(tuple(pool) for pool in pools), flat(rests), {"test": flat(tests)})

    def examples(self, seed: int) -> Iterator[Example]:
        """Every usable image, whatever the seed."""
        yield from self._examples

    @classmethod
    def verify(cls, data_root: Path | None, advance: Advance, **settings: Any) -> Verification:
        """Decode every image, and count the images on disk by class and setting; see `Dataset.verify`.

        Further problems are counts that differ from the published ones, unpublished folders, categories that are not
        one of the ten, rows without an image and images without a row.
        """
        dataset = cls(data_root, unreadable="skip", **settings)
        problems = [
            *dataset._other_counts(),
            *other_folders(dataset.root),
            *(f"{name}: category '{category}' is unknown" for name, category in dataset._unknown_categories()),
            *(f"{dataset.root / name}: annotated, but there is no such image" for name in dataset._absent()),
            *(f"{dataset.root / name}: no row in {DATABASE}" for name in dataset._not_annotated()),
            *unreadable_files(dataset, dataset._on_disk, advance),
        ]
        return Verification(_counts(dataset._on_disk), tuple(problems))

    def _warn(self) -> None:
        absent, not_annotated, unknown = self._absent(), self._not_annotated(), self._unknown_categories()
        if absent:
            other = named_otherwise(self.root, absent)
            hint = f"; but there is {other}: name such files .jpeg, as the database does" if other else ""
            rows = counted(len(absent), "row")
            _log.warning("%s: %s of %s left out for want of an image file%s", self.root, rows, DATABASE, hint)
        if not_annotated:
            images = counted(len(not_annotated), "image")
            _log.warning("%s: %s without a row in %s: the folder gives the class", self.root, images, DATABASE)
        if unknown:
            images = counted(len(unknown), "image")
            _log.warning("%s: %s of an unknown category: the folder gives the class", self.root, images)

    def _absent(self) -> list[str]:
        present = {example.identifier for example in self._on_disk}
        return [name for name in self._annotations if name not in present]

    def _not_annotated(self) -> list[str]:
        return [example.identifier for example in self._on_disk if example.identifier not in self._annotations]

    def _unknown_categories(self) -> list[tuple[str, str]]:
        """(image, category) for each row whose category is not one of the ten."""
        pairs = ((name, annotation.category) for name, annotation in self._annotations.items())
        return [(name, category) for name, category in pairs if category not in PUBLISHED]

    def _other_counts(self) -> list[str]:
        annotated = (self._annotations.get(example.identifier) for example in self._on_disk)
        found = Counter(annotation.category for annotation in annotated if annotation)
        return [
            f"{name}: {found[name]:,} annotated images, but {count:,} were published"
            for name, count in PUBLISHED.items()
            if found[name] != count
        ]


def _counts(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """The number of images by class and setting, with the published settings first."""
    found = Counter((example.label, example.attributes["setting"]) for example in examples)
    others = sorted({setting for _, setting in found} - set(SETTINGS))
    return {
        name: {setting: found[label, setting] for setting in (*SETTINGS, *others)}
        for label, name in enumerate(PUBLISHED)
    }
