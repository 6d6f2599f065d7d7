"""A view depends only on its image and seed, and has the image's size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import kstest
from torchvision.transforms import InterpolationMode, RandAugment, RandomResizedCrop, functional

from evaluation.views import (
    RANDOM_VIEWS,
    RATIO,
    SCALE,
    VIEWS,
    _crop_box,
    rand_augment_view,
    standard_view,
    standard_view_without_crop,
    view_seed,
)

View = Callable[[Image.Image, int], Image.Image]
RANDOM = [standard_view, standard_view_without_crop, rand_augment_view]


@pytest.fixture
def image() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("view", RANDOM)
def test_same_seed_same_view(view: View, image: Image.Image) -> None:
    assert view(image, 5).tobytes() == view(image, 5).tobytes()
    assert len({view(image, seed).tobytes() for seed in range(8)}) > 5
    assert view(image, 5).size == image.size


@pytest.mark.parametrize("view", RANDOM)
def test_the_global_random_state_is_neither_read_nor_changed(view: View, image: Image.Image) -> None:
    torch.manual_seed(1)
    first, state = view(image, 3), torch.get_rng_state()
    torch.manual_seed(2)
    assert view(image, 3).tobytes() == first.tobytes()
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_plain_view_is_the_image(image: Image.Image) -> None:
    assert VIEWS["plain"](image, 0) is image


def test_half_of_the_standard_views_are_flipped() -> None:
    image = Image.fromarray(np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1)))
    rises = [np.asarray(standard_view(image, seed), float)[32] for seed in range(1000)]
    flipped = np.mean([row[48] < row[16] for row in rises])
    assert 0.45 < flipped < 0.55


def test_a_standard_view_is_torchvisions_crop_flip_and_rotation() -> None:
    """The random numbers are the same, in the same order; at the edge of a crop, a view mixes in pixels beyond it."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    bilinear, inner = InterpolationMode.BILINEAR, np.s_[12:36, 16:48]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        left, top, right, bottom = _crop_box(image.width, image.height, rng)
        expected = functional.resized_crop(
            image, top, left, bottom - top, right - left, [image.height, image.width], bilinear
        )
        if rng.random() < 0.5:
            expected = functional.hflip(expected)
        expected = functional.rotate(expected, rng.uniform(-15, 15), bilinear)
        np.testing.assert_array_equal(np.asarray(standard_view(image, seed))[inner], np.asarray(expected)[inner])


def test_a_rand_augment_view_is_torchvisions_by_its_defaults(image: Image.Image) -> None:
    for seed in range(10):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            expected = RandAugment(num_ops=2, magnitude=9)(image)
        assert rand_augment_view(image, seed).tobytes() == expected.tobytes()


@pytest.mark.parametrize(("width", "height"), [(300, 300), (400, 300), (32, 24)])
def test_crops_are_distributed_as_torchvisions(width: int, height: int) -> None:
    """Their shares of the area, aspect ratios and positions have the same distributions."""
    rng, plain = np.random.default_rng(0), Image.new("L", (width, height))
    ours = np.array([_crop_box(width, height, rng) for _ in range(4000)])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = np.array([RandomResizedCrop.get_params(plain, [0.7, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)])
    left, top, right, bottom = ours.T
    facts = [(right - left) * (bottom - top) / (width * height), (right - left) / (bottom - top), left / width]
    expected = [theirs[:, 2] * theirs[:, 3] / (width * height), theirs[:, 3] / theirs[:, 2], theirs[:, 1] / width]
    for own, other in zip(facts, expected, strict=True):
        assert kstest(own, other).statistic < 0.04


def test_standard_views_keep_at_least_most_of_the_image() -> None:
    """A crop of at least 0.7 of the area enlarges the area of a centred square by at most 1/0.7."""
    image = Image.new("L", (90, 90))
    image.paste(255, (30, 30, 60, 60))
    areas = [np.count_nonzero(np.asarray(standard_view(image, seed)) > 127) / 900 for seed in range(50)]
    assert min(areas) > 0.9
    assert max(areas) < 1 / 0.7 + 0.1


def test_crops_reach_every_edge_and_are_as_often_wide_as_high() -> None:
    small = np.array([_crop_box(10, 10, np.random.default_rng(seed)) for seed in range(300)])
    cropped = small[(small[:, 2:] - small[:, :2] < 10).all(axis=1)]
    assert cropped[:, :2].min(axis=0).tolist() == [0, 0]
    assert cropped[:, 2:].max(axis=0).tolist() == [10, 10]
    rng = np.random.default_rng(0)
    left, top, right, bottom = np.array([_crop_box(2000, 2000, rng) for _ in range(20_000)]).T
    assert abs(np.log((right - left) / (bottom - top)).mean()) < 0.005


@pytest.mark.parametrize(("width", "height"), [(1920, 320), (320, 1920), (1001, 100), (3, 50)])
def test_images_in_which_no_box_fits_are_cut_as_by_torchvision(width: int, height: int) -> None:
    """They are cropped around the centre: any wider image keeps the part that a box with the limiting ratio keeps."""
    top, left, high, wide = RandomResizedCrop.get_params(Image.new("L", (width, height)), list(SCALE), list(RATIO))
    for seed in range(5):
        assert _crop_box(width, height, np.random.default_rng(seed)) == (left, top, left + wide, top + high)


def test_views_are_turned_by_fifteen_degrees_at_most() -> None:
    """The image shows a level line, whose heights at two columns give the angle."""
    image = Image.new("L", (91, 91))
    image.paste(255, (0, 45, 91, 46))
    rows, angles = np.arange(91)[:, None], []
    for seed in range(200):
        columns = np.asarray(standard_view_without_crop(image, seed), float)[:, [30, 60]]
        left, right = (columns * rows).sum(axis=0) / columns.sum(axis=0)
        angles.append(np.degrees(np.arctan((right - left) / 30)))
    assert 14 < max(angles) < 15.5
    assert -15.5 < min(angles) < -14


def test_without_its_crop_the_standard_view_keeps_the_images_scale() -> None:
    image = Image.new("L", (90, 90))
    image.paste(255, (30, 30, 60, 60))
    views = [standard_view_without_crop(image, seed) for seed in range(50)]
    areas = [np.count_nonzero(np.asarray(view) > 127) / 900 for view in views]
    assert max(abs(area - 1) for area in areas) < 0.03
    assert len({view.tobytes() for view in views}) > 40


def test_every_view_has_a_name() -> None:
    assert [VIEWS[name] for name in ("standard", "standard_without_crop", "rand_augment")] == RANDOM
    assert RANDOM_VIEWS == ("standard", "standard_without_crop", "rand_augment")


@pytest.mark.parametrize("size", [(200, 3), (1, 1)])
def test_extreme_shapes_have_views(size: tuple[int, int]) -> None:
    assert standard_view(Image.new("RGB", size), 0).size == size


def test_view_seeds_differ_by_every_part() -> None:
    parts = [("a", "x", 0, 0), ("b", "x", 0, 0), ("a", "y", 0, 0), ("a", "x", 1, 0), ("a", "x", 0, 1)]
    assert len({view_seed(*own) for own in parts}) == 5
