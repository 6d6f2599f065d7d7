"""Generated photos: noise at many scales, with about as many bytes as a real photo of their size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from datasets.images import load_rgb
from evaluation.arrays import Singles
from evaluation.features import ImageViews, embed_pixels, load_pixels
from evaluation.frozen import Backbone
from evaluation.loading import worker_count
from evaluation.views import VIEWS


def photo(width: int, seed: int) -> Image.Image:
    """An RGB picture with an aspect ratio of 4:3."""
    rng, size = np.random.default_rng(seed), (width, width * 3 // 4)
    coarse = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    fine = rng.normal(0, 8, (size[1], size[0], 3))
    smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.float32)
    return Image.fromarray(np.clip(smooth + fine, 0, 255).astype(np.uint8))


def photo_files(folder: Path, count: int, width: int = 640) -> list[Path]:
    """Write `count` JPEG files into the folder, and return their paths."""
    paths = [folder / f"{seed}.jpg" for seed in range(count)]
    for seed, path in enumerate(paths):
        photo(width, seed).save(path, quality=85)
    return paths


def embed_files(backbone: Backbone, files: Sequence[Path], view: str, views: int = 1) -> Singles:
    """Features of `views` views of each file; the files are loaded ahead of the network."""
    jobs = [ImageViews(partial(load_rgb, path), tuple(range(views))) for path in files]
    return embed_pixels(backbone, load_pixels(backbone, jobs, VIEWS[view], worker_count(-1)))


class OpenedAgain:
    """The images of files, each read again whenever it is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Image.Image:
        return load_rgb(self._paths[index])
