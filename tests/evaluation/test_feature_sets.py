"""Class means of the measures that are based on neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest

from evaluation.arrays import Floats, Integers
from evaluation.density_coverage import density_coverage
from evaluation.feature_sets import class_means, of_each_class
from evaluation.neighbours import class_neighbour_radii
from evaluation.precision_recall import precision_recall
from tests.evaluation.random_features import features

Measure = Callable[..., Any]

both = pytest.mark.parametrize("measure", [precision_recall, density_coverage])


def means(
    measure: Measure, real: Floats, labels: Integers, synthetic: Floats, own: Integers, neighbours: int = 3
) -> tuple[float, float]:
    radii = class_neighbour_radii(real, labels, neighbours)
    return class_means(of_each_class(measure, real, labels, synthetic, own, neighbours, radii))


@both
def test_the_mean_is_that_of_each_class(measure: Measure) -> None:
    real, synthetic, labels = features(0, 60), features(1, 60, shift=0.6), np.arange(60) % 2
    parts = [astuple(measure(real[labels == c], synthetic[labels == c], 3)) for c in (0, 1)]
    assert means(measure, real, labels, synthetic, labels) == pytest.approx(np.mean(parts, axis=0))


def test_an_image_of_the_wrong_class_is_not_precise() -> None:
    real = np.concatenate([features(0, 30), features(1, 30, shift=50)])
    labels = np.repeat([0, 1], 30)
    assert means(precision_recall, real, labels, real, 1 - labels) == (0.0, 0.0)
    assert precision_recall(real, real).precision == 1.0


@both
def test_a_class_of_too_few_real_images_does_not_count(measure: Measure) -> None:
    real, synthetic = features(0, 13), features(1, 10)
    labels, own = np.repeat([0, 1], [10, 3]), np.repeat([0, 1], 5)
    expected = astuple(measure(real[:10], synthetic[:5], 3))
    assert means(measure, real, labels, synthetic, own) == expected
    assert means(measure, real[:10], labels[:10], synthetic, own) == expected


@both
def test_a_class_of_no_synthetic_images_leaves_no_mean(measure: Measure) -> None:
    real, labels = features(0, 20), np.repeat([0, 1], 10)
    assert np.isnan(means(measure, real, labels, features(1, 5), np.repeat(0, 5))).all()


@both
def test_without_a_class_that_counts_there_is_no_mean(measure: Measure) -> None:
    few, labels = features(0, 6), np.repeat([0, 1], 3)
    assert np.isnan(means(measure, few, labels, few, labels)).all()
