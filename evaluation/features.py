"""Features of images, and of several seeded views of each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from evaluation.frozen import Backbone, FloatArray, Pixels
from evaluation.loading import load_ahead
from evaluation.views import View

if TYPE_CHECKING:
    from PIL.Image import Image

Progress = Callable[[int], None]

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


def embed_pixels(backbone: Backbone, pixels: Iterable[Pixels], on_progress: Progress | None = None) -> FloatArray:
    """Features (N, D) of N times (S, S, 3), a batch at a time, so that `pixels` may be made as they are needed.

    on_progress: called with the number of images done after each batch.
    """
    parts, done = [], 0
    for features in backbone.embed_batches(_batches(pixels, backbone.batch_size)):
        parts.append(features)
        done += len(features)
        if on_progress is not None:
            on_progress(done)
    return np.concatenate(parts) if parts else np.empty((0, backbone.dimension), np.float32)


def embed_images(backbone: Backbone, images: Iterable[Image], on_progress: Progress | None = None) -> FloatArray:
    """Features (N, D) of images, one after the other, which may be made as they are needed."""
    return embed_pixels(backbone, map(backbone.pixels, images), on_progress)


def embed_views(
    backbone: Backbone,
    images: Iterable[Image],
    seeds: Sequence[Sequence[int]],
    view: View,
    on_progress: Progress | None = None,
) -> FloatArray:
    """Features (N, V, D) of V views of each image; seeds: (N, V), one of each view."""
    views = (view(image, s) for image, row in zip(images, seeds, strict=True) for s in row)
    flat = embed_images(backbone, views, on_progress)
    return flat.reshape(len(seeds), -1, flat.shape[1]) if seeds else flat.reshape(0, 1, flat.shape[1])


def _batches(pixels: Iterable[Pixels], size: int) -> Iterator[Pixels]:
    iterator = iter(pixels)
    while batch := list(islice(iterator, size)):
        yield np.stack(batch)
