"""Checks that a dataset's output can be trained on and measured, since a dataset may be anybody's code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from textwrap import shorten
from typing import TYPE_CHECKING

from datasets.base import Dataset, Example, Splits
from datasets.errors import UserError, kind_of, reason_of
from datasets.plurals import counted

if TYPE_CHECKING:
    from PIL.Image import Image

POOL, VALIDATION = "train pool", "validation"

OTHER_SPLITS = ("train", POOL, "val", VALIDATION)
"""What metrics, split files and `prepare` call the splits that are not test sets."""


def check_splits(name: str, dataset: Dataset, splits: Splits) -> None:
    """Refuse splits that would give no result, or a wrong one.

    Args:
        name: the dataset's name.

    Raises:
        UserError: one line about the first thing that is wrong.
    """
    if wrong := _wrong_with_classes(dataset) or _wrong_with_splits(dataset, splits):
        raise UserError(f"dataset {name}: {wrong}")


def load_image(dataset: Dataset, example: Example) -> Image:
    """The example's image from `load`; raises a `UserError` that names the example if it cannot be trained on."""
    from PIL.Image import Image

    try:
        image = dataset.load(example)
    except OSError as error:
        raise UserError(f"image '{example.identifier}' cannot be loaded: {reason_of(error)}") from error
    if not isinstance(image, Image) or image.mode != "RGB":
        found = f"one in mode {image.mode}" if isinstance(image, Image) else kind_of(image)
        where = f"{type(dataset).__name__}.load"
        raise UserError(f"image '{example.identifier}': {where} must give a Pillow image in mode RGB, not {found}")
    return image


def digests(dataset: Dataset, examples: Iterable[Example]) -> list[str]:
    """The examples' digests from the dataset; raises `UserError` if one is not text, which split files require."""
    found = dataset.digests(examples)
    for digest in found:
        if not isinstance(digest, str):
            where = f"{type(dataset).__name__}.digest"
            raise UserError(f"{where} must give a SHA-256 as hexadecimal text, not {kind_of(digest)}")
    return found


def _wrong_with_classes(dataset: Dataset) -> str:
    """What is wrong, or an empty string if nothing is. All functions below do the same."""
    classes = getattr(dataset, "classes", None)
    if not isinstance(classes, (tuple, list)) or not all(isinstance(noun, str) for noun in classes):
        return f"its `classes` must be a tuple of nouns, not {shorten(repr(classes), 80)}"
    if len(set(classes)) < len(classes):
        return f"two of its classes are called '{Counter(classes).most_common(1)[0][0]}'"
    return "" if len(classes) > 1 else f"it has {counted(len(classes), 'class')}, but a classifier needs two"


def _wrong_with_splits(dataset: Dataset, splits: Splits) -> str:
    if not isinstance(splits, Splits):
        return f"`splits` must return Splits, not {kind_of(splits)}"
    if len(splits.train_pool) != len(dataset.classes):
        pools, classes = counted(len(splits.train_pool), "train pool"), counted(len(dataset.classes), "class")
        return f"`splits` gives {pools} for {classes}"
    if not splits.tests:
        return "`splits` gives no test set"
    pool = list(chain(*splits.train_pool))
    parts = {POOL: pool, VALIDATION: splits.validation, **splits.tests}
    found = chain(
        (_wrong_with_name(test) for test in splits.tests),
        (_wrong_with_part(part, examples, len(dataset.classes)) for part, examples in parts.items()),
        (_wrong_with_pool(label, own, dataset.classes) for label, own in enumerate(splits.train_pool)),
    )
    return next(filter(None, found), "") or _twice(parts)


def _wrong_with_name(test: str) -> str:
    """A test set's name appears in metrics and split files, where it must not collide with other splits."""
    if test not in OTHER_SPLITS and re.fullmatch(r"(?!\.+$)[\w\-. ]+", test):
        return ""
    return (
        f"a test set cannot be called '{test}': use letters, digits, spaces, '_', '-' and '.', but not dots alone, nor "
        f"{', '.join(OTHER_SPLITS)}"
    )


def _wrong_with_part(part: str, examples: Sequence[Example], classes: int) -> str:
    if not examples and part != VALIDATION:
        return f"no image in '{part}'"
    wrong = next(filter(None, (_wrong_with_example(example, classes) for example in examples)), "")
    return f"an example of '{part}' {wrong}" if wrong else ""


def _wrong_with_example(example: Example, classes: int) -> str:
    if not isinstance(example, Example):
        return f"is not an Example but {kind_of(example)}"
    if not isinstance(example.identifier, str):
        return f"has the identifier {example.identifier!r}, which is not a string"
    if type(example.label) is not int:  # split files cannot hold other integers, such as NumPy's
        return f"has the label {example.label!r}, which is not an int"
    if not 0 <= example.label < classes:
        return f"has label {example.label}, but labels are 0 to {classes - 1}"
    attributes = example.attributes
    if not isinstance(attributes, Mapping) or not all(isinstance(text, str) for text in chain(*attributes.items())):
        return f"has attributes {attributes!r}, which must map strings to strings"
    return ""


def _wrong_with_pool(label: int, pool: Sequence[Example], classes: Sequence[str]) -> str:
    others = (f"'{example.identifier}' of '{classes[example.label]}'" for example in pool if example.label != label)
    return next((f"the train pool of '{classes[label]}' contains {other}" for other in others), "")


def _twice(parts: Mapping[str, Sequence[Example]]) -> str:
    """Find an identifier that two images share. One image may be in several parts, unless it is in the train pool."""
    seen: dict[str, tuple[str, int]] = {}
    for part, examples in parts.items():
        for example in examples:
            other, label = seen.get(example.identifier, ("", example.label))
            if other == part:
                return f"two examples of '{part}' have the identifier '{example.identifier}'"
            if other == POOL or label != example.label:
                return f"examples of '{other}' and of '{part}' have the identifier '{example.identifier}'"
            seen[example.identifier] = (part, example.label)
    return ""
