"""The k-shot task: which images a method may see, and which it is judged on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from datasets.base import Dataset, Example
from datasets.errors import UserError
from datasets.plurals import counted
from datasets.seeding import seed_from
from datasets.split_checks import check_splits, load_image

if TYPE_CHECKING:
    from PIL.Image import Image

TRAIN_POOL_SIZE = 8
"""Images per class that shots are taken from (DIAGen, section 5); the rest of train+val is for validation."""


@dataclass(frozen=True)
class FewShotTask:
    """k labelled images per class to learn from, a validation set, and the test sets.

    `train` is ordered by class, then by shot. Tasks of one dataset and seed are nested: the 2-shot
    train set is part of the 4-shot one. Nothing in a task depends on the method.
    """

    name: str
    dataset: Dataset
    shots: int
    seed: int
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    def image(self, example: Example) -> Image:
        return load_image(self.dataset, example)


def few_shot_task(name: str, dataset: Dataset, shots: int, seed: int) -> FewShotTask:
    """The k-shot task of `dataset` for one seed.

    Raises:
        UserError: a class has fewer than `shots` images in its train pool, or the splits are wrong.
    """
    splits = dataset.splits(seed)
    check_splits(name, dataset, splits)
    for noun, pool in zip(dataset.classes, splits.train_pool, strict=True):
        if len(pool) < shots:
            raise UserError(
                f"class '{noun}' of {name} has {counted(len(pool), 'training image')} for {counted(shots, 'shot')}: "
                f"ask for at most {len(pool)}, or add images (and, with your own photos, raise imagefolder.train_pool)"
            )
    train = tuple(example for pool in splits.train_pool for example in pool[:shots])
    return FewShotTask(name, dataset, shots, seed, train, splits.validation, splits.tests)


def split_pool(
    name: str, examples: Sequence[Example], seed: int, size: int = TRAIN_POOL_SIZE
) -> tuple[list[Example], list[Example]]:
    """Divide the examples of class `name` into (train pool of `size`, validation) by a seeded permutation."""
    ordered = sorted(examples, key=lambda example: natural_key(example.identifier))
    shuffled = [ordered[i] for i in class_permutation(name, len(ordered), seed)]
    return shuffled[:size], shuffled[size:]


def class_permutation(name: str, count: int, seed: int) -> npt.NDArray[np.int64]:
    """A permutation of 0 … count − 1 for a class's images in natural order; each class has its own.

    Every class of FOCUS has equally many images for training and validation, ordered by setting. One permutation for
    all classes would therefore choose similar settings for each of them.
    """
    return np.random.default_rng(seed_from("split", name, seed)).permutation(count)


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key that puts `bench (6)` before `bench (13)`, whatever the file system's order."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
