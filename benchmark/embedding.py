"""Backbone features of pictures, computed once and kept in the store."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from benchmark.progress import Stages
from benchmark.store import Store
from datasets.base import Dataset, Example
from datasets.seeding import fingerprint
from datasets.split_checks import load_image
from evaluation.arrays import Pixels, Singles
from evaluation.loading import worker_count
from evaluation.views import VERSION, VIEWS, view_seed
from methods.base import SyntheticImage

if TYPE_CHECKING:
    from PIL.Image import Image

    from evaluation.features import ImageViews
    from evaluation.frozen import Backbone

BLOCK = 512
"""Number of views that are embedded and stored together: the most that is lost if the process is killed."""


@dataclass(frozen=True)
class Picture:
    """An image identified by its content: `digest` names it in the store, `load` reads it when it is needed."""

    digest: str
    load: Callable[[], Image]


def real_pictures(dataset: Dataset, examples: Sequence[Example]) -> list[Picture]:
    return [Picture(dataset.digest(example), partial(load_image, dataset, example)) for example in examples]


def synthetic_pictures(images: Sequence[SyntheticImage]) -> list[Picture]:
    """Pictures of synthetic images, whose file name, a fingerprint of all that made them, is their digest."""
    return [Picture(image.path.stem, image.load) for image in images]


def image_views(pictures: Sequence[Picture], view: str, views: int) -> list[ImageViews]:
    """`views` random views of each picture; a view depends only on the picture, the kind of view and its number."""
    from evaluation.features import ImageViews

    return [
        ImageViews(picture.load, tuple(view_seed(view, picture.digest, number, 0) for number in range(views)))
        for picture in pictures
    ]


class Embedder:
    """Features of one backbone at one image size, in one precision (`dtype`, one of `evaluation.device.DTYPES`).

    workers: threads that load and transform pictures ahead of the network; 0: none, -1: the default of `worker_count`.
    """

    def __init__(
        self, name: str, image_size: int, store: Store, stages: Stages, workers: int = -1, dtype: str = "auto"
    ) -> None:
        self.name = name
        self.image_size = image_size
        self.dtype = dtype
        self.workers = worker_count(workers)
        self._store = store
        self._stages = stages
        self._backbone: Backbone | None = None

    @property
    def backbone(self) -> Backbone:
        """The network, loaded when first used."""
        if self._backbone is None:
            from evaluation.backbones import load_backbone

            self._backbone = load_backbone(self.name, self.image_size, dtype=self.dtype)
        return self._backbone

    def embed(self, pictures: Sequence[Picture], view: str = "plain", views: int = 1) -> Singles:
        """Features of `views` random views of each picture, shape (pictures, views, dimension).

        All `plain` views of a picture are the same, so one is enough.
        """
        blocks = list(_blocks(pictures, max(1, BLOCK // views)))
        keys = [self._key(block, view, views) for block in blocks]
        stored = [self._store.array("features", key) for key in keys]
        missing = [i for i, array in enumerate(stored) if array is None]
        total = sum(len(blocks[i]) for i in missing) * views
        with (
            self._stages.stage("features", total=total, unit=self._title(view)) as advance,
            closing(self._pixels([blocks[i] for i in missing], view, views)) as pixels,
        ):
            for i in missing:
                made = self._embed_block(len(blocks[i]), views, pixels)
                self._store.put_array("features", keys[i], made)
                stored[i] = made
                advance(len(blocks[i]) * views)
        arrays = [array for array in stored if array is not None]
        return np.concatenate(arrays) if arrays else np.zeros((0, views, self.backbone.dimension), dtype=np.float32)

    def _title(self, view: str) -> str:
        """The network and the kind of view, for the progress bar, such as `resnet50, rand augment`."""
        return f"{self.name.rpartition('/')[2].partition('.')[0]}, {view.replace('_', ' ')}"

    def _key(self, block: Sequence[Picture], view: str, views: int) -> str:
        version = [] if view == "plain" else [VERSION]
        digests = [picture.digest for picture in block]
        return fingerprint("features", self.backbone.fingerprint, view, views, digests, *version)

    def _pixels(self, blocks: Sequence[Sequence[Picture]], view: str, views: int) -> Generator[Pixels, None, None]:
        """Every view of every picture, block by block; the next block loads while the network processes this one."""
        from evaluation.features import load_pixels

        images = image_views(list(chain.from_iterable(blocks)), view, views)
        return load_pixels(self.backbone, images, VIEWS[view], self.workers)

    def _embed_block(self, pictures: int, views: int, pixels: Iterator[Pixels]) -> Singles:
        from evaluation.features import embed_pixels

        flat = embed_pixels(self.backbone, islice(pixels, pictures * views))
        return flat.reshape(pictures, views, -1)


def _blocks(pictures: Sequence[Picture], size: int) -> Iterator[Sequence[Picture]]:
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]
