"""The classifier: every sample through the frozen network, against features of views that are computed once."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks_perf import seconds
from benchmarks_perf.command import run_alone
from benchmarks_perf.measurement import Measurement
from benchmarks_perf.operations import network_operations
from benchmarks_perf.photos import embed_files, photo_files
from benchmarks_perf.sizes import Size
from datasets.images import load_rgb
from evaluation.arrays import Singles
from evaluation.backbones import BACKBONES
from evaluation.classifier import TrainingFeatures, train_head
from evaluation.device import default_device, dtype_named
from evaluation.features import ImageViews, embed_pixels, load_pixels
from evaluation.frozen import Backbone
from evaluation.loading import worker_count
from evaluation.settings import ClassifierSettings
from evaluation.views import VIEWS

CLASSES, SHOTS = 10, 4


def measure(size: Size) -> Measurement:
    """Time a classifier of the paper's 50 × 200 × 32 samples on 4 shots of 10 classes; both ways load images ahead.

    The plain way is measured on some of the samples, and its total is computed from that.
    """
    settings = size.classifier
    network = BACKBONES[settings.backbone]()
    dtype = dtype_named(settings.dtype, default_device())
    backbone = Backbone(settings.backbone, network, settings.image_size, dtype=dtype)
    in_float32 = Backbone(settings.backbone, network, settings.image_size, settings.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        photos = photo_files(Path(folder), CLASSES * SHOTS)
        for each in (backbone, in_float32):
            embed_files(each, photos, settings.transform)  # the first pass is slower
        plain = seconds(lambda: _embed_one_by_one(in_float32, photos, size.samples, settings)) / size.samples
        embedding = seconds(lambda: embed_files(backbone, photos, settings.transform, settings.views_per_image))
    head = seconds(lambda: _train_head(backbone.dimension, settings))
    views = len(photos) * settings.views_per_image
    samples = settings.epochs * settings.iterations * settings.batch_size
    return Measurement(
        name="classifier",
        work=f"{samples:,} samples at {settings.image_size} px",
        note=f"{settings.backbone}; features of {views:,} cached views and training on them, against every sample "
        f"through the network in float32, computed from {size.samples:,}",
        unit="classifier",
        plain=plain * samples + head,
        ours=embedding + head,
        operations=views * network_operations(network, settings.image_size),
        dtype=dtype,
        rates={"view": embedding / views, "head": head},
    )


def _embed_one_by_one(
    backbone: Backbone, photos: Sequence[Path], samples: int, settings: ClassifierSettings
) -> Singles:
    """Each sample is loaded and transformed on its own, as in training with a data loader."""
    jobs = [ImageViews(partial(load_rgb, photos[i % len(photos)]), (i,)) for i in range(samples)]
    return embed_pixels(backbone, load_pixels(backbone, jobs, VIEWS[settings.transform], worker_count(-1)))


def _train_head(dimension: int, settings: ClassifierSettings) -> None:
    """Train on random features, which take as long as any others."""
    rng, labels = np.random.default_rng(0), np.arange(CLASSES * SHOTS) // SHOTS
    real = rng.standard_normal((len(labels), settings.views_per_image, dimension)).astype(np.float32)
    train_head(TrainingFeatures(real, labels), real[:, 0], labels, CLASSES, settings, 0.0, 0)


if __name__ == "__main__":
    run_alone(measure)
