"""What every dataset offers: examples, splits, images, content digests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from datasets.registry import Registry

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Example:
    """One labelled image of a dataset.

    `identifier` is unique within the dataset and the same on every machine: a POSIX path relative to
    the dataset's folder, or the seed of a rendered image.
    """

    identifier: str
    label: int
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Splits:
    """A dataset as one seed divides it.

    `train_pool` holds, per class, the examples that shots are taken from, in the order in which they
    are taken; its first k are the k-shot train set, so that fewer shots are a subset of more.
    `tests` maps a test set's name (`test`, `uncommon`) to its examples.
    """

    train_pool: tuple[tuple[Example, ...], ...]
    validation: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]


class Dataset(ABC):
    """A labelled image collection with splits for few-shot learning.

    A plugin sets the facts below, reads its folder in `__init__` (raising `UserError` for a missing or
    broken one), and implements `splits`, `load` and `digest`.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    licence: ClassVar[str]

    classes: tuple[str, ...]
    """Class nouns in label order, as they appear in prompts ("cell phone")."""

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:  # noqa: B027
        """`data_root` is the folder that holds the datasets' folders; `unreadable` is `refuse` or `skip`."""

    @abstractmethod
    def splits(self, seed: int) -> Splits:
        """The splits of `seed`; they depend on the seed and the data alone."""

    @abstractmethod
    def load(self, example: Example) -> Image:
        """The example's image in mode RGB, upright; raises `UserError` naming an unreadable file."""

    @abstractmethod
    def digest(self, example: Example) -> str:
        """Hexadecimal SHA-256 of the image's content: the same wherever the data lies."""


DATASETS: Registry[type[Dataset]] = Registry("dataset")
