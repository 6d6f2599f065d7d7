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
    """A dataset as one seed divides it.

    `train_pool` holds, per class, the examples that shots are taken from, in the order in which they
    are taken; its first k are the k-shot train set, so that fewer shots are a subset of more.
    `tests` maps a test set's name (`test`, `uncommon`) to its examples.
    """

    train_pool: tuple[tuple[Example, ...], ...]
    validation: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]


Advance = Callable[[int], None]
"""Called with the number of items (images, files, bytes) that were just finished."""


@dataclass(frozen=True)
class Verification:
    """What lies on disk. `counts`: images by class and by split or setting; `problems`: a line each."""

    counts: Mapping[str, Mapping[str, int]]
    problems: tuple[str, ...] = ()


class Dataset(ABC):
    """A labelled image collection with splits for few-shot learning.

    A plugin sets the facts below, reads its folder in `__init__` (raising `UserError` for a missing or
    broken one), and implements `splits`, `load` and `digest`. Keyword-only arguments of `__init__` with a default and
    an annotation are the dataset's own settings (`--set coco.crowd=ignore`).
    """

    title: ClassVar[str]
    source: ClassVar[str]
    licence: ClassVar[str]
    slices: ClassVar[tuple[str, ...]] = ()
    """Attributes by which the accuracy on a test set is reported besides the whole; an attribute with several values
    at once holds them separated by ", "."""
    archives: ClassVar[tuple[Archive, ...]] = ()
    """What `prepare` downloads and unpacks."""
    other_folders: ClassVar[tuple[str, ...]] = ()
    """What the folder of its archives may be called besides."""
    instructions: ClassVar[str] = ""
    """Where to get the data and what to place where, for people who must fetch it by hand."""

    published: ClassVar[Mapping[str, int]] = {}
    """How many images it has to validate on (`validation`) and in each test set, at most: by these a grid is counted
    before the dataset is on disk, if its class names its `classes` (`datasets/published_counts.py`)."""

    skipped: tuple[str, ...] = ()
    """A line for each file that `unreadable=skip` left out."""

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
        """What a folder of each class's images is called, in label order: where they lie in such folders, as those."""
        return self.classes

    @abstractmethod
    def splits(self, seed: int) -> Splits:
        """The splits of `seed`; they depend on the seed and the data alone."""

    @abstractmethod
    def load(self, example: Example) -> Image:
        """The example's image in mode RGB, upright; raises `UserError` naming an unreadable file."""

    @abstractmethod
    def digest(self, example: Example) -> str:
        """Hexadecimal SHA-256 of the image's content: the same wherever the data lies."""

    def digests(self, examples: Iterable[Example]) -> list[str]:
        """Of several images, in order, read side by side."""
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(self.digest, examples))

    def file(self, example: Example) -> Path | None:
        """The file that `load` reads; None for an image that is drawn."""
        return None

    def examples(self, seed: int) -> Iterator[Example]:
        """Every image that a split file of this dataset and seed may name."""
        splits = self.splits(seed)
        yield from chain(*splits.train_pool, splits.validation, *splits.tests.values())

    @classmethod
    def verify(cls, data_root: Path | None, advance: Advance, **settings: Any) -> Verification:
        """Look at every file that the dataset reads with its own `settings`.

        Raises:
            UserError: the layout itself is missing, or a setting is refused.
        """
        from datasets.verification import verify_examples

        return verify_examples(cls(data_root, unreadable="skip", **settings), advance)


def _check_dataset(name: str, dataset: type[Dataset]) -> None:
    """Raise a TypeError that says what a class lacks to be a dataset of that name."""
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
