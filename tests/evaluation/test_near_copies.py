"""Near-copies and authenticity: all distances computed plainly, copies against new images, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from evaluation.arrays import Doubles
from evaluation.near_copies import authenticity, near_copy_share, nearest_distance


def features(seed: int, count: int, width: int = 12) -> Doubles:
    return np.random.default_rng(seed).normal(size=(count, width))


def authentic(image: Doubles, train: Doubles) -> bool:
    """Alaa et al.'s definition, applied to one image."""
    distances = [float(np.linalg.norm(image - other)) for other in train]
    closest = int(np.argmin(distances))
    others = [float(np.linalg.norm(train[closest] - other)) for i, other in enumerate(train) if i != closest]
    return distances[closest] > min(others)


@pytest.mark.parametrize("train_images", [2, 8, 100])
@pytest.mark.parametrize("noise", [0.1, 0.8])
def test_authenticity_equals_the_definition(train_images: int, noise: float) -> None:
    train = features(0, train_images)
    synthetic = train[np.arange(90) % train_images] + features(1, 90) * noise
    expected = np.mean([authentic(image, train) for image in synthetic])
    assert authenticity(synthetic, train) == pytest.approx(expected)


def test_distances_are_those_to_the_nearest() -> None:
    synthetic, train = features(0, 30), features(1, 9)
    np.testing.assert_allclose(nearest_distance(synthetic, train), cdist(synthetic, train).min(axis=1))


def test_copies_count_and_new_images_do_not() -> None:
    held_out, train = features(0, 500), features(1, 40)
    made = np.concatenate([train[:10], train[10:20] + features(2, 10) * 1e-3, features(3, 60) * 2])
    distances = nearest_distance(made, train)
    assert near_copy_share(distances, nearest_distance(held_out, train)) == pytest.approx(20 / 80)
    assert authenticity(made[:20], train) == 0.0
    assert authenticity(made[20:], train) > 0.9


@pytest.mark.parametrize("held_out", [100, 2000])
def test_five_percent_of_unseen_real_images_pass_for_copies_however_many_they_are_compared_with(held_out: int) -> None:
    """This is a mean over 20 tasks with few training images, which are farther apart than many real images."""
    shares = []
    for seed in range(20):
        real = features(seed, 40 + held_out + 2000)
        train, reference, unseen = np.split(real, [40, 40 + held_out])
        shares.append(near_copy_share(nearest_distance(unseen, train), nearest_distance(reference, train)))
    assert np.mean(shares) == pytest.approx(0.05, abs=0.015)


def test_an_image_as_near_as_the_quantile_itself_is_no_near_copy() -> None:
    """The reference is the second nearest of 21 held-out images."""
    assert near_copy_share(np.array([0.99, 1.0]), np.arange(21.0)) == 0.5


def test_slightly_changed_training_images_are_near_copies() -> None:
    train = features(0, 40)
    changed = np.repeat(train, 10, axis=0) + features(1, 400) * 0.3
    assert near_copy_share(nearest_distance(changed, train), nearest_distance(features(2, 2000), train)) > 0.99


def test_a_variation_on_a_sparse_train_set_is_no_near_copy_though_not_authentic() -> None:
    """Images are as far from their guide as other photos are, yet nearer than any two of the four photos are."""
    train = features(0, 4)
    variations = np.repeat(train, 10, axis=0) + features(1, 40)
    assert authenticity(variations, train) < 0.2
    assert near_copy_share(nearest_distance(variations, train), nearest_distance(features(2, 2000), train)) < 0.2


def test_an_exact_copy_counts_even_where_held_out_images_are_copies() -> None:
    train = features(0, 20)
    assert near_copy_share(np.array([0.0, 1e-9]), nearest_distance(train, train)) == 0.5


def test_identical_training_images() -> None:
    """A copy is at distance 0, as these images are from each other; a tie is not authentic. Others are farther."""
    train = np.zeros((3, 12))
    assert authenticity(np.zeros((1, 12)), train) == 0.0
    assert authenticity(features(0, 5), train) == 1.0


def test_one_training_image_has_distances_but_no_authenticity() -> None:
    train = features(0, 1)
    np.testing.assert_allclose(nearest_distance(train + 1, train), [np.sqrt(12)])
    assert np.isnan(authenticity(train + 1, train))


def test_without_images_there_is_no_figure() -> None:
    none, some = np.empty((0, 12)), features(0, 5)
    assert nearest_distance(none, some).shape == (0,)
    assert np.isnan(nearest_distance(some, none)).all()
    assert np.isnan(authenticity(none, some))
    assert np.isnan(near_copy_share(nearest_distance(some, none), np.ones(4)))
    assert np.isnan(near_copy_share(np.ones(4), nearest_distance(none, some)))
    assert np.isnan(near_copy_share(np.empty(0), np.ones(4)))


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="compared"):
        nearest_distance(features(0, 5), features(1, 5, 7))
    with pytest.raises(ValueError, match="finite"):
        authenticity(np.full((2, 12), np.nan), features(1, 5))
