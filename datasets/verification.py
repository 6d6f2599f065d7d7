"""Verifies a dataset on disk: decodes every image and counts the images by class and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from datasets.base import Advance, Dataset, Example, Splits, Verification
from datasets.duplicates import duplicates
from datasets.errors import UserError
from datasets.images import READERS
from datasets.split_checks import POOL, VALIDATION, check_splits, load_image
from datasets.split_file import TRAIN, split_images

Columns = Mapping[str, Sequence[Example]]
"""Images by split."""


def verify_examples(dataset: Dataset, advance: Advance) -> Verification:
    """Decode every image that the dataset can use, and count the images by class and by split of seed 0.

    A problem is a file that cannot be read (even if the dataset skipped it on opening), a class without an image in a
    split, or too few images to divide (they are then counted by class only). If all images of the dataset can be read,
    an image whose content is in two splits of seed 0, or in two classes, is a problem as well.

    Raises:
        UserError: the splits themselves are invalid, which only a bug in the dataset's code can cause.
    """
    try:
        splits = dataset.splits(0)
    except UserError as error:
        columns, impossible = _undivided(dataset), str(error)
    else:
        check_splits(type(dataset).__name__, dataset, splits)
        columns, impossible = _columns(splits), ""
    counts, examples = _counts(dataset, columns), list(dataset.examples(0)) if columns else []
    unreadable = unreadable_files(dataset, examples, advance)
    twice = [] if unreadable else duplicates(split_images(dataset, _parts(columns, examples)))
    gaps = [impossible] if impossible else _empty(counts)
    return Verification(counts, (*dataset.skipped, *unreadable, *gaps, *twice))


def _columns(splits: Splits) -> Columns:
    return {POOL: tuple(chain(*splits.train_pool)), VALIDATION: splits.validation, **splits.tests}


def _parts(columns: Columns, examples: Sequence[Example]) -> list[tuple[str, Example]]:
    """All images as (split, example); one in no other split counts as trained on, by this seed or another."""
    others = {example.identifier: name for name, own in columns.items() if name != POOL for example in own}
    return [(others.get(example.identifier, TRAIN), example) for example in examples]


def _undivided(dataset: Dataset) -> Columns:
    """All images in one column; no column if the dataset can list its images only by dividing them."""
    try:
        return {"images": tuple(dataset.examples(0))}
    except UserError:
        return {}


def _counts(dataset: Dataset, columns: Columns) -> dict[str, dict[str, int]]:
    if not columns:
        return {}
    counts = {name: dict.fromkeys(columns, 0) for name in dataset.display_names}
    for column, examples in columns.items():
        for example in examples:
            counts[dataset.display_names[example.label]][column] += 1
    return counts


def unreadable_files(dataset: Dataset, examples: Sequence[Example], advance: Advance) -> list[str]:
    def problem(example: Example) -> str:
        try:
            load_image(dataset, example)
        except UserError as error:
            return str(error)
        return ""

    problems = []
    with ThreadPoolExecutor(READERS) as pool:
        for line in pool.map(problem, examples):
            advance(1)
            if line:
                problems.append(line)
    return problems


def _empty(counts: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"{name}: no image in {column}" for name, row in counts.items() for column, count in row.items() if not count
    ]
