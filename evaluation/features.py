"""Features of images and of their seeded views."""

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
"""Batches of pixels prepared ahead while the network processes one."""


@dataclass(frozen=True)
class ImageViews:
    """An image, fetched by `load` when it is needed, and the seeds of its requested views."""

    load: Callable[[], Image]
    seeds: tuple[int, ...]


def load_pixels(
    backbone: Backbone, images: Sequence[ImageViews], view: View, workers: int
) -> Generator[Pixels, None, None]:
    """Yield the network's input, (S, S, 3), for each view of each image, in order.

    Each image is loaded once for all its views; one of `workers` threads loads, transforms and resizes it
    (`loading.load_ahead`). The pixels do not depend on the number of workers.
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
    """Features (N, D) of N inputs (S, S, 3), computed batch by batch, so that `pixels` may be a generator."""
    parts = list(backbone.embed_batches(_batches(pixels, backbone.batch_size)))
    return np.concatenate(parts) if parts else np.empty((0, backbone.dimension), np.float32)


def embed_images(backbone: Backbone, images: Iterable[Image]) -> Singles:
    """Features (N, D) of RGB images of any size, each squashed to a square."""
    return embed_pixels(backbone, map(backbone.pixels, images))


def _batches(pixels: Iterable[Pixels], size: int) -> Iterator[Pixels]:
    iterator = iter(pixels)
    while batch := list(islice(iterator, size)):
        yield np.stack(batch)
