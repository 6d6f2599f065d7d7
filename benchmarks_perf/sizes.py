"""How much is measured: as much as suits a laptop, or the paper's work."""

from __future__ import annotations

from dataclasses import dataclass, replace

import benchmarks_perf.random_backbones  # noqa: F401  (registers the backbones of size full)
from datasets.errors import UnknownName, UserError
from evaluation.device import default_device
from evaluation.settings import ClassifierSettings, FeatureSettings
from methods.settings import GeneratorSettings, TextualInversionSettings


@dataclass(frozen=True)
class Size:
    """What each part is measured on.

    guide_width: width in pixels of the photos that images are made from and words are learned from.
    rounds: number of times that full batches (one per thread on a CPU) are generated.
    plain_images: number of images that the plain way generates.
    inversion: its `steps` are timed, and the time of 1,000 steps is computed from theirs.
    classes: number of classes that are learned together.
    plain_classes: number of classes that the plain way learns.
    samples: number of samples with which the plain way through the classifier's network is timed.
    photos, plain_photos: number of photos whose features are computed, our way and the plain way.
    """

    generator: GeneratorSettings
    guide_width: int
    rounds: int
    plain_images: int
    inversion: TextualInversionSettings
    classes: int
    plain_classes: int
    classifier: ClassifierSettings
    samples: int
    features: FeatureSettings
    photos: int
    plain_photos: int


SIZES = {
    "small": Size(
        generator=GeneratorSettings("mini_sd", 64),
        guide_width=64,
        rounds=1,
        plain_images=8,
        inversion=TextualInversionSettings(steps=10, learning_rate=5e-3),
        classes=10,
        plain_classes=2,
        classifier=ClassifierSettings("efficientnet_lite0", 160, learning_rate=1e-3, views_per_image=10),
        samples=640,
        features=FeatureSettings("efficientnet_lite0", 160),
        photos=320,
        plain_photos=64,
    ),
    "full": Size(
        generator=GeneratorSettings(),
        guide_width=640,
        rounds=4,
        plain_images=6,
        inversion=TextualInversionSettings(steps=40),
        classes=10,
        plain_classes=1,
        classifier=ClassifierSettings("random/resnet50"),
        samples=3200,
        features=FeatureSettings("random/dinov2_vitl14"),
        photos=2048,
        plain_photos=128,
    ),
}
"""`small`: mini_sd and the embedded backbone, on a CPU in minutes. `full`: the paper's networks and sizes, on a GPU."""


def chosen_size(name: str, checkpoint: str = "") -> Size:
    """The size with this name, with another checkpoint if one is given.

    Raises:
        UserError: an unknown name, or `full` on a machine without a GPU.
    """
    if name not in SIZES:
        raise UnknownName("size", name, SIZES)
    if name == "full" and default_device().type != "cuda":
        raise UserError("--size full needs a GPU, on which it takes some minutes: use --size small here")
    size = SIZES[name]
    return replace(size, generator=replace(size.generator, checkpoint=checkpoint)) if checkpoint else size
