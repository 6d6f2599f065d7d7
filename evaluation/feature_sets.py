"""Code shared by the measures on sets of image features: checks, blocks of rows, means over classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np

from evaluation.arrays import Doubles, Floats, Integers

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def check_features(*sets: Floats) -> None:
    """Raise `ValueError` unless all sets have shape (N, D) with the same D, and every entry is a finite number."""
    for features in sets:
        if features.ndim != 2:
            raise ValueError(f"features must have the shape (images, entries), not {features.shape}")
        if features.shape[1] != sets[0].shape[1]:
            raise ValueError(f"features of {sets[0].shape[1]} and {features.shape[1]} entries cannot be compared")
        if not np.isfinite(features).all():
            raise ValueError("a feature is not a finite number")


def row_blocks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` rows that cover `count` rows, so that no measure copies a large set as a whole."""
    return (slice(start, start + size) for start in range(0, count, size))


def counted_classes(real_labels: Integers, neighbours: int) -> Integers:
    """Classes with more real images than `neighbours`, which have a manifold; they are the same for all methods."""
    classes, counts = np.unique(real_labels, return_counts=True)
    return classes[counts > neighbours]


def of_each_class(
    measure: Callable[[Floats, Floats, int, Doubles], DataclassInstance],
    real: Floats,
    real_labels: Integers,
    synthetic: Floats,
    synthetic_labels: Integers,
    neighbours: int,
    real_radii: Doubles,
) -> dict[int, tuple[float, float]]:
    """Label → both values of a measure (`precision_recall` or `density_coverage`) on the class's images.

    Classes with too few real images are left out (`counted_classes`); a value is NaN if synthetic images are lacking.

    Args:
        real_radii: `class_neighbour_radii(real, real_labels, neighbours)`, (N,).
    """

    def of_class(label: int) -> tuple[float, float]:
        reals = real_labels == label
        return astuple(measure(real[reals], synthetic[synthetic_labels == label], neighbours, real_radii[reals]))

    return {int(label): of_class(label) for label in counted_classes(real_labels, neighbours)}


def class_means(figures: Mapping[int, tuple[float, float]]) -> tuple[float, float]:
    """Mean over classes of both values from `of_each_class`.

    If the value of a class is NaN, the mean is NaN rather than a mean over fewer classes.
    """
    one, other = np.mean(list(figures.values()), axis=0) if figures else (np.nan, np.nan)
    return float(one), float(other)
