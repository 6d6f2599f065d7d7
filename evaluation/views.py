"""Views of an image: random augmentations for training, and the plain view for tests.

A view depends only on the image and the view's seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from datasets.seeding import seed_from

if TYPE_CHECKING:
    from PIL.Image import Image

SCALE = (0.7, 1.0)
"""Share of the image's area that a random-resized crop keeps (DA-Fusion's code)."""
RATIO = (3 / 4, 4 / 3)
FLIP_PROBABILITY = 0.5
DEGREES = 15.0

VERSION = 2
"""Version of the random views, which is part of the store address of everything computed from them."""

View = Callable[["Image", int], "Image"]


def standard_view(image: Image, seed: int) -> Image:
    """Random-resized crop (scale 0.7–1), horizontal flip (p = 0.5), rotation (±15°): the train-time transform.

    The view has the image's size. Corners left empty by the rotation are black, as in torchvision.
    """
    from PIL import Image as images

    rng = np.random.default_rng(seed)
    box = _crop_box(image.width, image.height, rng)
    return _flipped_and_rotated(image.resize(image.size, images.Resampling.BILINEAR, box=box), rng)


def standard_view_without_crop(image: Image, seed: int) -> Image:
    """`standard_view` without the crop, on which the published code trains for MS COCO."""
    return _flipped_and_rotated(image, np.random.default_rng(seed))


def _flipped_and_rotated(image: Image, rng: np.random.Generator) -> Image:
    from PIL import Image as images

    if rng.random() < FLIP_PROBABILITY:
        image = image.transpose(images.Transpose.FLIP_LEFT_RIGHT)
    return image.rotate(rng.uniform(-DEGREES, DEGREES), images.Resampling.BILINEAR)


def _crop_box(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A random box of 0.7–1 of the area, drawn as by torchvision's RandomResizedCrop.

    For a 16:9 image, nine times in ten none of ten attempts fits; the box is then the largest centred one of 4:3.
    """
    for _ in range(10):
        area = width * height * rng.uniform(*SCALE)
        ratio = float(np.exp(rng.uniform(*np.log(RATIO))))
        wide, high = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < wide <= width and 0 < high <= height:
            left = int(rng.integers(0, width - wide + 1))
            top = int(rng.integers(0, height - high + 1))
            return left, top, left + wide, top + high
    wide, high = min(width, round(height * RATIO[1])), min(height, round(width / RATIO[0]))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


def rand_augment_view(image: Image, seed: int) -> Image:
    """RandAugment (Cubuk et al. 2020) with torchvision's defaults: two operations of magnitude 9.

    The global random state is not used, so threads can draw views concurrently.
    """
    from torchvision.transforms import RandAugment

    from evaluation.seeded_draws import SeededDraws

    with SeededDraws(seed):
        augmented: Image = RandAugment()(image)
    return augmented


def view_seed(purpose: str, identity: str, index: int, seed: int) -> int:
    """The seed of the `index`-th view of the image with digest `identity`, for one purpose and task seed."""
    return seed_from("view", purpose, identity, index, seed)


VIEWS: dict[str, View] = {
    "plain": lambda image, _seed: image,
    "standard": standard_view,
    "standard_without_crop": standard_view_without_crop,
    "rand_augment": rand_augment_view,
}
"""Views by name: the unchanged image, the train-time transforms, and RandAugment, for training the guide classifier."""

RANDOM_VIEWS = tuple(name for name in VIEWS if name != "plain")
"""Allowed values of a transform setting."""
