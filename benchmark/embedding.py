"""Backbone features of pictures, computed once and kept in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmark.progress import Stages
from benchmark.store import Store
from datasets.base import Dataset, Example
from datasets.seeding import fingerprint
from methods.base import SyntheticImage

if TYPE_CHECKING:
    from PIL.Image import Image

    from evaluation.frozen import Backbone

Features = npt.NDArray[np.float32]

VIEWS = ("plain", "standard", "rand_augment")
"""As the picture is; the train-time transform; RandAugment, for the guide classifier."""

LOADERS = 4
"""Threads that decode or render pictures while the network is busy."""

BLOCK = 512
"""Views that are embedded and stored together: what a kill can cost."""


@dataclass(frozen=True)
class Picture:
    """An image by its content: `digest` names it in the store, `load` fetches it when it is needed."""

    digest: str
    load: Callable[[], Image]


def real_pictures(dataset: Dataset, examples: Sequence[Example]) -> list[Picture]:
    return [Picture(dataset.digest(example), lambda example=example: dataset.load(example)) for example in examples]  # type: ignore[misc]


def synthetic_pictures(images: Sequence[SyntheticImage]) -> list[Picture]:
    """The store names a synthetic image by the fingerprint of all that made it."""
    return [Picture(image.path.stem, image.load) for image in images]


class Embedder:
    """Features of one backbone at one image size."""

    def __init__(self, name: str, image_size: int, store: Store, stages: Stages) -> None:
        self.name = name
        self.image_size = image_size
        self._store = store
        self._stages = stages
        self._backbone: Backbone | None = None

    @property
    def backbone(self) -> Backbone:
        """The network, loaded at first use."""
        if self._backbone is None:
            from evaluation.backbones import load_backbone

            self._backbone = load_backbone(self.name, self.image_size)
        return self._backbone

    def embed(self, pictures: Sequence[Picture], view: str = "plain", views: int = 1) -> Features:
        """Features of `views` random views of each picture, shape (pictures, views, dimension).

        A view depends on the picture and its number alone. `plain` has one view: (pictures, 1, dimension).
        """
        blocks = list(_blocks(pictures, max(1, BLOCK // views)))
        keys = [self._key(block, view, views) for block in blocks]
        stored = [self._store.array("features", key) for key in keys]
        missing = [i for i, array in enumerate(stored) if array is None]
        total = sum(len(blocks[i]) for i in missing) * views
        with self._stages.stage("features", total=total, unit=view.replace("_", " ")) as advance:
            for i in missing:
                made = self._embed_block(blocks[i], view, views)
                self._store.put_array("features", keys[i], made)
                stored[i] = made
                advance(len(blocks[i]) * views)
        arrays = [array for array in stored if array is not None]
        return np.concatenate(arrays) if arrays else np.zeros((0, views, self.backbone.dimension), dtype=np.float32)

    def _key(self, block: Sequence[Picture], view: str, views: int) -> str:
        return fingerprint("features", self.backbone.fingerprint, view, views, [picture.digest for picture in block])

    def _embed_block(self, block: Sequence[Picture], view: str, views: int) -> Features:
        from evaluation.features import embed_images, embed_views
        from evaluation.views import View, rand_augment_view, standard_view, view_seed

        with ThreadPoolExecutor(LOADERS) as pool:
            images = pool.map(lambda picture: picture.load(), block)
            if view == "plain":
                return embed_images(self.backbone, images)[:, None]
            draw: View = standard_view if view == "standard" else rand_augment_view
            seeds = [[view_seed(view, picture.digest, number, 0) for number in range(views)] for picture in block]
            return embed_views(self.backbone, images, seeds, draw)


def _blocks(pictures: Sequence[Picture], size: int) -> Iterator[Sequence[Picture]]:
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]
