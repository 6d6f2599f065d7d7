"""Features of images, and of several seeded views of each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from evaluation.arrays import Pixels, Singles
from evaluation.frozen import Backbone
from evaluation.loading import load_ahead
from evaluation.views import View

if TYPE_CHECKING:
    from PIL.Image import Image

BATCHES_AHEAD = 2
"""Batches of pixels that are made while the network has one."""


@dataclass(frozen=True)
class ImageViews:
    """An image, fetched by `load` when it is needed, and the seeds of the views that are wanted of it."""

    load: Callable[[], Image]
    seeds: tuple[int, ...]


def load_pixels(
    backbone: Backbone, images: Sequence[ImageViews], view: View, workers: int
) -> Generator[Pixels, None, None]:
    """What the network takes of each view of each image: (S, S, 3), images × seeds of them.

    Each image is loaded, transformed and resized by one of `workers` threads (`loading.load_ahead`), once for all its
    views. The pixels do not depend on the number of workers.
    """

    def pixels(image: ImageViews) -> list[Pixels]:
        loaded = image.load()
        return [backbone.pixels(view(loaded, seed)) for seed in image.seeds]

    most = max([1, *(len(image.seeds) for image in images)])
    ahead = max(workers, -(-BATCHES_AHEAD * backbone.batch_size // most))
    with closing(load_ahead(pixels, images, workers, ahead)) as loaded:
        for views in loaded:
            yield from views


def embed_pixels(backbone: Backbone, pixels: Iterable[Pixels]) -> Singles:
    """Features (N, D) of N times (S, S, 3), a batch at a time, so that `pixels` may be made as they are needed."""
    parts = list(backbone.embed_batches(_batches(pixels, backbone.batch_size)))
    return np.concatenate(parts) if parts else np.empty((0, backbone.dimension), np.float32)


def embed_images(backbone: Backbone, images: Iterable[Image]) -> Singles:
    """Features (N, D) of the images, squashed to a square; RGB of any size."""
    return embed_pixels(backbone, map(backbone.pixels, images))


def _batches(pixels: Iterable[Pixels], size: int) -> Iterator[Pixels]:
    iterator = iter(pixels)
    while batch := list(islice(iterator, size)):
        yield np.stack(batch)
