"""Features of photos: one image per call in float32, against batches of images that are loaded ahead."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks_perf import seconds
from benchmarks_perf.command import run_alone
from benchmarks_perf.measurement import Measurement
from benchmarks_perf.operations import network_operations
from benchmarks_perf.photos import embed_files, photo_files
from benchmarks_perf.sizes import Size
from datasets.images import load_rgb
from evaluation.arrays import Singles
from evaluation.backbones import BACKBONES
from evaluation.device import default_device, dtype_named
from evaluation.frozen import Backbone, Network
from evaluation.settings import FeatureSettings


def measure(size: Size) -> Measurement:
    """Time features of JPEG files of 640 × 480 pixels."""
    settings = size.features
    with tempfile.TemporaryDirectory() as folder:
        photos = photo_files(Path(folder), size.photos)
        plain = _plain_seconds(settings, photos[: size.plain_photos])
        network = BACKBONES[settings.name]()
        dtype = dtype_named(settings.dtype, default_device())
        backbone = Backbone(settings.name, network, settings.image_size, dtype=dtype)
        embed_files(backbone, photos[: 2 * backbone.batch_size], "plain")  # the first batches are slower
        ours = seconds(lambda: embed_files(backbone, photos, "plain")) / len(photos)
    return Measurement(
        name="features",
        work=f"{settings.name} at {settings.image_size} px",
        note=f"{len(photos):,} JPEG files of 640 × 480, {backbone.batch_size} at a time: {1 / ours:.3g} images/s; "
        f"against one at a time in float32: {1 / plain:.3g} images/s, on {size.plain_photos}",
        unit="image",
        plain=plain,
        ours=ours,
        operations=network_operations(network, settings.image_size),
        dtype=dtype,
        rates={"feature": ours},
    )


def _plain_seconds(settings: FeatureSettings, photos: Sequence[Path]) -> float:
    """Seconds per image of a loop that loads an image, calls the network and fetches the features."""
    network, device = BACKBONES[settings.name](), default_device()
    module = network.module.eval().to(device)
    with torch.inference_mode():
        _features(module, network, photos[0], settings.image_size, device)  # the first call is slower
        return seconds(
            lambda: [_features(module, network, path, settings.image_size, device) for path in photos]
        ) / len(photos)


def _features(module: torch.nn.Module, network: Network, path: Path, side: int, device: torch.device) -> Singles:
    from torchvision.transforms import functional

    pixels = functional.to_tensor(load_rgb(path).resize((side, side)))
    batch = functional.normalize(pixels, network.mean, network.std)[None].to(device)
    features: Singles = module(batch)[0].cpu().numpy()
    return features


if __name__ == "__main__":
    run_alone(measure)
