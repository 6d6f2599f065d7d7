"""Accuracy per class and averaged over classes, as pure functions of arrays."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Indices, Integers


def confusion_matrix(predictions: Integers, labels: Integers, classes: int) -> Indices:
    """Counts (C, C): rows are true classes, columns predicted ones."""
    cells = np.asarray(labels, np.int64) * classes + np.asarray(predictions, np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def per_class_accuracy(predictions: Integers, labels: Integers, classes: int) -> Doubles:
    """Share of each class's images that are classified correctly, (C,) in [0, 1]; NaN for a class without images."""
    matrix = confusion_matrix(predictions, labels, classes)
    totals = matrix.sum(axis=1)
    shares = np.full(classes, np.nan)
    np.divide(matrix.diagonal(), totals, out=shares, where=totals > 0)
    return shares


def mean_class_accuracy(predictions: Integers, labels: Integers, classes: int) -> float:
    """Mean accuracy over the classes that have images, in [0, 1]; NaN if there are no images."""
    accuracies = per_class_accuracy(predictions, labels, classes)
    present = accuracies[~np.isnan(accuracies)]
    return float(present.mean()) if len(present) else float("nan")
