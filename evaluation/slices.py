"""Accuracy on parts of a test set that share an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.accuracy import mean_class_accuracy
from evaluation.arrays import Integers

SEPARATOR = ", "
"""Separates the values of an attribute that has several for one image, such as FOCUS' locations."""


@dataclass(frozen=True)
class SliceAccuracy:
    """Mean per-class accuracy in [0, 1] on the `images` with `value`, over the classes that occur among them."""

    value: str
    accuracy: float
    images: int


def slice_accuracies(
    predictions: Integers, labels: Integers, values: Sequence[str], classes: int
) -> list[SliceAccuracy]:
    """Accuracy for each value of an attribute, sorted by value.

    An image with several values counts for each of them; an image without a value counts for `none`.

    Args:
        predictions, labels: (N,), indices of classes.
        values: (N,), the attribute of each image.
    """
    members: dict[str, list[int]] = {}
    for index, text in enumerate(values):
        for value in text.split(SEPARATOR):
            members.setdefault(value or "none", []).append(index)
    return [
        SliceAccuracy(value, mean_class_accuracy(predictions[own], labels[own], classes), len(own))
        for value, own in sorted(members.items())
    ]
