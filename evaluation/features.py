"""Features of images, and of several seeded views of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from evaluation.frozen import Backbone, FloatArray
from evaluation.views import View

if TYPE_CHECKING:
    from PIL.Image import Image

Progress = Callable[[int], None]


def embed_images(backbone: Backbone, images: Iterable[Image], on_progress: Progress | None = None) -> FloatArray:
    """Features (N, D), a batch at a time, so that `images` may be made as they are needed.

    on_progress: called with the number of images done after each batch.
    """
    parts, done = [], 0
    for batch in _batches(images, backbone.batch_size):
        parts.append(backbone.embed(batch))
        done += len(batch)
        if on_progress is not None:
            on_progress(done)
    return np.concatenate(parts) if parts else np.empty((0, backbone.dimension), np.float32)


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


def _batches(images: Iterable[Image], size: int) -> Iterator[list[Image]]:
    iterator = iter(images)
    while batch := list(islice(iterator, size)):
        yield batch
