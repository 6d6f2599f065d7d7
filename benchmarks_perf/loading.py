"""Loading images ahead of the network, against a plain loop that loads a batch and then embeds it.

The photos are custom_coco's if DIAGEN_DATA names a data root that has it, and otherwise generated JPEGs.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmark.embedding import Picture, real_pictures
from benchmarks_perf import seconds
from benchmarks_perf.photos import photo_files
from datasets.base import DATASETS
from datasets.images import load_rgb
from datasets.plurals import counted
from datasets.scripts import run_script
from evaluation.arrays import Pixels
from evaluation.backbones import load_backbone
from evaluation.features import ImageViews, embed_images, embed_pixels, load_pixels
from evaluation.frozen import Backbone
from evaluation.loading import worker_count
from evaluation.views import VIEWS, View

SIZES = (224, 128)
"""Image sides of the network, in pixels."""


def main(
    backbone: str = "efficientnet_lite0",
    images: int = 320,
    view: Annotated[str, typer.Option(help=" or ".join(VIEWS))] = "standard",
    width: Annotated[int, typer.Option(help="width of the generated photos in pixels; their shape is 4:3")] = 640,
    repeats: Annotated[int, typer.Option(help="measure this many times and print the best")] = 2,
) -> None:
    """Print images/s of the loader alone, and of computing features end to end."""
    with tempfile.TemporaryDirectory() as folder:
        pictures, what = _pictures(Path(folder), images, width)
        load = os.getloadavg()[0]
        cores = worker_count(-1)
        print(f"{len(pictures)} {what}, {view} view, {backbone}, {cores} cores, load average {load:.1f}; images/s")
        for size in SIZES:
            _table(load_backbone(backbone, size), pictures, VIEWS[view], sorted({0, 1, 2, cores}), repeats)


def _table(
    network: Backbone, pictures: Sequence[Picture], view: View, worker_counts: Sequence[int], repeats: int
) -> None:
    jobs = [ImageViews(picture.load, (seed,)) for seed, picture in enumerate(pictures)]
    ways = {"plain loop": (_plain_load(network, jobs, view), _plain_features(network, jobs, view))}
    for workers in worker_counts:
        source = partial(load_pixels, network, jobs, view, workers)
        ways[counted(workers, "worker")] = _load(source), _features(network, source)
    print(f"{f'{network.image_size} px':<12} {'loader alone':>20} {'features':>20}")
    firsts: list[float] = []
    for name, works in ways.items():
        rates = [len(jobs) / min(seconds(work) for _ in range(repeats)) for work in works]
        firsts = firsts or rates
        cells = (f"{rate:9.0f} ({rate / first:5.2f} ×)" for rate, first in zip(rates, firsts, strict=True))
        print(f"{name:<12}", *(f"{cell:>20}" for cell in cells))


def _plain_load(network: Backbone, jobs: Sequence[ImageViews], view: View) -> Callable[[], object]:
    return lambda: [network.pixels(view(job.load(), job.seeds[0])) for job in jobs]


def _plain_features(network: Backbone, jobs: Sequence[ImageViews], view: View) -> Callable[[], object]:
    starts = range(0, len(jobs), network.batch_size)
    batches = [jobs[start : start + network.batch_size] for start in starts]
    return lambda: [embed_images(network, [view(job.load(), job.seeds[0]) for job in batch]) for batch in batches]


def _load(source: Callable[[], Iterable[Pixels]]) -> Callable[[], object]:
    return lambda: deque(source(), maxlen=0)


def _features(network: Backbone, source: Callable[[], Iterable[Pixels]]) -> Callable[[], object]:
    return lambda: embed_pixels(network, source())


def _pictures(folder: Path, count: int, width: int) -> tuple[list[Picture], str]:
    root = os.environ.get("DIAGEN_DATA")
    if root and (Path(root) / "custom_coco").is_dir():
        dataset = DATASETS["custom_coco"](Path(root))
        return real_pictures(dataset, list(dataset.examples(0))[:count]), "photos of custom_coco"
    made = [Picture(path.stem, partial(load_rgb, path)) for path in photo_files(folder, count, width)]
    return made, f"generated JPEGs of {width} × {width * 3 // 4}"


if __name__ == "__main__":
    run_script(main)
