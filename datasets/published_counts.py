"""Stands in for a published dataset that is not on disk yet, with as many images, to count the work of a grid."""

from __future__ import annotations

from typing import NoReturn

from datasets.base import Dataset, Example, Splits
from datasets.errors import UserError
from datasets.few_shot import TRAIN_POOL_SIZE
from datasets.seeding import fingerprint


class PublishedCounts(Dataset):
    """As many examples per split as the complete `dataset` has, labelled with its classes in turn; without images.

    Args:
        dataset: a dataset that states its `classes` and its `published` counts.
    """

    def __init__(self, dataset: type[Dataset]) -> None:
        self.classes = dataset.classes
        self._published = dataset.published

    def splits(self, seed: int) -> Splits:
        """The same for every seed."""
        pool = self._examples("train", TRAIN_POOL_SIZE * len(self.classes))
        pools = tuple(pool[label :: len(self.classes)] for label in range(len(self.classes)))
        others = {name: self._examples(name, count) for name, count in self._published.items()}
        return Splits(pools, others.pop("validation"), others)

    def load(self, example: Example) -> NoReturn:
        raise UserError(f"{example.identifier}: an image that is only counted cannot be loaded")

    def digest(self, example: Example) -> str:
        return fingerprint("published", example.identifier)

    def _examples(self, split: str, count: int) -> tuple[Example, ...]:
        return tuple(Example(f"{split}/{number}", number % len(self.classes)) for number in range(count))
