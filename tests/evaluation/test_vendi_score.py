"""Vendi score: compared with a plain implementation of the definition, known cases, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from evaluation.arrays import Doubles
from evaluation.vendi_score import class_mean_vendi_score, vendi_score


def features(seed: int, count: int, width: int) -> Doubles:
    return np.random.default_rng(seed).normal(size=(count, width)) + 0.5


def by_definition(vectors: Doubles) -> float:
    norms = np.linalg.norm(vectors, axis=1)
    kernel = vectors @ vectors.T / np.outer(norms, norms)
    return float(np.exp(entropy(np.linalg.svd(kernel / len(vectors), compute_uv=False))))


@pytest.mark.parametrize(("count", "width"), [(2, 50), (40, 50), (50, 50), (51, 50), (500, 20)])
def test_equals_the_definition(count: int, width: int) -> None:
    vectors = features(0, count, width)
    assert vendi_score(vectors) == pytest.approx(by_definition(vectors), rel=1e-9)


@pytest.mark.parametrize(("count", "width"), [(7, 12), (30, 12)])
def test_equal_images_count_as_one(count: int, width: int) -> None:
    assert vendi_score(np.tile(features(0, 1, width), (count, 1))) == pytest.approx(1)


def test_orthogonal_images_count_each() -> None:
    assert vendi_score(np.eye(9) * 3) == pytest.approx(9)
    assert vendi_score(np.repeat(np.eye(9), 4, axis=0)) == pytest.approx(9)


def test_the_length_of_a_feature_vector_does_not_matter() -> None:
    vectors = features(0, 30, 10)
    lengths = np.linspace(0.1, 100, 30)[:, None]
    assert vendi_score(vectors * lengths) == pytest.approx(vendi_score(vectors))


def test_class_mean_is_that_of_the_classes_that_have_images() -> None:
    """Three equal images and two orthogonal ones score 1 and 2 within their classes, unlike the pooled score."""
    vectors, labels = np.array([[1.0, 0], [2, 0], [3, 0], [1, 0], [0, 1]]), np.array([0, 0, 0, 3, 3])
    assert class_mean_vendi_score(vectors, labels) == pytest.approx(1.5)
    assert vendi_score(vectors) == pytest.approx(np.exp(entropy([0.8, 0.2])))


@pytest.mark.parametrize("width", [20, 400])
def test_features_of_single_precision_lose_nothing(width: int) -> None:
    singles = features(0, 100, width).astype(np.float32)
    assert vendi_score(singles) == pytest.approx(vendi_score(singles.astype(np.float64)), rel=1e-12)


def test_without_images_there_is_no_score() -> None:
    assert np.isnan(vendi_score(np.empty((0, 4))))
    assert np.isnan(class_mean_vendi_score(np.empty((0, 4)), np.empty(0, np.int64)))


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="are 0"):
        vendi_score(np.array([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match="finite"):
        vendi_score(np.array([[1.0, np.nan]]))
