"""Accuracy, compared with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from evaluation.accuracy import confusion_matrix, mean_class_accuracy, per_class_accuracy


def test_equal_to_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    matrix = confusion_matrix(predictions, labels, 4)
    assert np.array_equal(matrix, metrics.confusion_matrix(labels, predictions))
    assert mean_class_accuracy(predictions, labels, 4) == pytest.approx(
        metrics.balanced_accuracy_score(labels, predictions)
    )


def test_the_mean_is_over_classes_not_over_images() -> None:
    labels, predictions = np.array([0] * 9 + [1]), np.zeros(10, int)
    assert mean_class_accuracy(predictions, labels, 2) == 0.5


def test_a_class_without_images_counts_in_no_mean() -> None:
    accuracies = per_class_accuracy(np.array([0, 1]), np.array([0, 0]), 3)
    assert np.array_equal(accuracies, [0.5, np.nan, np.nan], equal_nan=True)
    assert mean_class_accuracy(np.array([0, 1]), np.array([0, 0]), 3) == 0.5


def test_no_images_no_accuracy() -> None:
    assert np.isnan(mean_class_accuracy(np.empty(0, int), np.empty(0, int), 3))
