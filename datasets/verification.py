"""What lies on disk: every image decoded, and counted by class and split."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from datasets.base import Advance, Dataset, Example, Verification
from datasets.errors import UserError
from datasets.images import READERS


def verify_examples(dataset: Dataset, advance: Advance) -> Verification:
    """Decode every image that the dataset can use, and count those of seed 0 by class and split.

    A problem is a file that cannot be read, whether the dataset left it out when it was opened or not, a class
    without an image in a split, or too few images to divide.
    """
    try:
        counts = _counts(dataset)
        examples = list(dataset.examples(0))
    except UserError as error:
        return Verification({}, (*dataset.skipped, str(error)))
    problems = (*dataset.skipped, *unreadable_files(dataset, examples, advance), *_empty(counts))
    return Verification(counts, problems)


def _counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    splits = dataset.splits(0)
    columns = {"train pool": tuple(chain(*splits.train_pool)), "validation": splits.validation, **splits.tests}
    counts = {name: dict.fromkeys(columns, 0) for name in dataset.display_names}
    for column, examples in columns.items():
        for example in examples:
            counts[dataset.display_names[example.label]][column] += 1
    return counts


def unreadable_files(dataset: Dataset, examples: Sequence[Example], advance: Advance) -> list[str]:
    def problem(example: Example) -> str:
        try:
            dataset.load(example)
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
