"""What every dataset offers: examples, splits, images, content digests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from inspect import isabstract, signature
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from datasets.registry import Registry

if TYPE_CHECKING:
    from PIL.Image import Image

    from datasets.download import Archive

_READERS = 8


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
    """The splits of a dataset for one seed.

    `train_pool` holds, per class, the examples that shots are taken from, in the order in which they
    are taken. Its first k are the k-shot train set, so the images for fewer shots are a subset of those for more.
    `tests` maps a test set's name (`test`, `uncommon`) to its examples.
    """

    train_pool: tuple[tuple[Example, ...], ...]
    validation: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]


Advance = Callable[[int], None]
"""Called with the number of items (images, files, bytes) that were just finished."""


@dataclass(frozen=True)
class Verification:
    """What was found on disk. `counts`: images by class and by split or setting; `problems`: one line for each."""

    counts: Mapping[str, Mapping[str, int]]
    problems: tuple[str, ...] = ()


class Dataset(ABC):
    """A labelled image collection with splits for few-shot learning.

    A plugin sets the attributes below, reads its folder in `__init__` (raising `UserError` if it is missing
    or broken), and implements `splits`, `load` and `digest`. Keyword-only arguments of `__init__` with a default and
    an annotation are the dataset's own settings (`--set coco.crowd=ignore`).
    """

    title: ClassVar[str]
    source: ClassVar[str]
    licence: ClassVar[str]
    slices: ClassVar[tuple[str, ...]] = ()
    """Attributes by which the accuracy on a test set is broken down, beside the overall accuracy. If an image has
    several values of one attribute, they are separated by ", "."""
    archives: ClassVar[tuple[Archive, ...]] = ()
    """What `prepare` downloads and unpacks."""
    other_folders: ClassVar[tuple[str, ...]] = ()
    """Other names that the dataset's folder may have."""
    instructions: ClassVar[str] = ""
    """How to get the data and where to place it, for data that must be downloaded by hand."""

    published: ClassVar[Mapping[str, int]] = {}
    """The maximum number of images for validation (`validation`) and in each test set. With these numbers the size of
    a grid is computed before the dataset is on disk, if the class sets `classes` (`datasets/published_counts.py`)."""

    skipped: tuple[str, ...] = ()
    """One line for each file that `unreadable=skip` left out."""

    classes: tuple[str, ...]
    """Class nouns in label order, as they appear in prompts ("cell phone")."""

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:  # noqa: B027
        """`data_root` is the folder that holds the datasets' folders; `unreadable` is `refuse` or `skip`."""

    @property
    def display_names(self) -> tuple[str, ...]:
        """The classes' names for tables and figures, in label order; the nouns unless a user gave others."""
        return self.classes

    @property
    def class_folders(self) -> tuple[str, ...]:
        """The folder name for each class's images, in label order: that of its class folder, or else its noun."""
        return self.classes

    @abstractmethod
    def splits(self, seed: int) -> Splits:
        """The splits of `seed`; they depend on the seed and the data alone."""

    @abstractmethod
    def load(self, example: Example) -> Image:
        """The example's image in mode RGB, upright; raises `UserError` naming an unreadable file."""

    @abstractmethod
    def digest(self, example: Example) -> str:
        """Hexadecimal SHA-256 of the image's content: the same wherever the data is stored."""

    def digests(self, examples: Iterable[Example]) -> list[str]:
        """The digests of several images, in the order given; the images are read in parallel."""
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(self.digest, examples))

    def file(self, example: Example) -> Path | None:
        """The file that `load` reads; None for a rendered image."""
        return None

    def examples(self, seed: int) -> Iterator[Example]:
        """Every image that a split file of this dataset and seed may name."""
        splits = self.splits(seed)
        yield from chain(*splits.train_pool, splits.validation, *splits.tests.values())

    @classmethod
    def verify(cls, data_root: Path | None, advance: Advance, **settings: Any) -> Verification:
        """Check every file that the dataset reads under its own `settings`.

        Raises:
            UserError: the dataset's folders are missing, or a setting is invalid.
        """
        from datasets.verification import verify_examples

        return verify_examples(cls(data_root, unreadable="skip", **settings), advance)


def _check_dataset(name: str, dataset: type[Dataset]) -> None:
    """Raise a TypeError that says why the class cannot be registered as a dataset under `name`."""
    if not (isinstance(dataset, type) and issubclass(dataset, Dataset)):
        raise TypeError(f"dataset '{name}' is not a class that extends datasets.base.Dataset")
    if not name.isidentifier():
        raise TypeError(
            f"dataset '{name}': use letters, digits and underscores only, since settings begin with this name"
        )
    if isabstract(dataset):
        raise TypeError(f"dataset '{name}' lacks {', '.join(sorted(dataset.__abstractmethods__))}")
    for fact in ("title", "source", "licence"):
        if not isinstance(getattr(dataset, fact, None), str):
            raise TypeError(f"dataset '{name}' lacks its {fact}: add {fact} = '…' to the class")
    if not isinstance(dataset.slices, tuple):
        raise TypeError(f"dataset '{name}': its slices must be a tuple of attributes, not {dataset.slices!r}")
    try:
        signature(dataset).bind(data_root=None, unreadable="refuse")
    except TypeError as error:
        raise TypeError(f"dataset '{name}' cannot be opened with data_root and unreadable: {error}") from error


DATASETS: Registry[type[Dataset]] = Registry("dataset", _check_dataset)
