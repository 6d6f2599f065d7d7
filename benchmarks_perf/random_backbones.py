"""A plugin: the paper's two backbones with random weights, as fast as the real ones, without a download.

python -m benchmark run --plugins benchmarks_perf/random_backbones.py --set classifier.backbone=random/resnet50 \
    --set features.name=random/dinov2_vitl14
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from evaluation.backbones import BACKBONES, DINO_PATCH

if TYPE_CHECKING:
    from torch import nn

    from evaluation.frozen import Network


@BACKBONES.register("random/resnet50")
def _resnet50() -> Network:
    from torch import nn
    from torchvision.models import resnet50

    def build() -> nn.Module:
        model = resnet50(weights=None)
        model.fc = nn.Identity()
        return model

    return _with_random_weights(build, "bilinear")


@BACKBONES.register("random/dinov2_vitl14")
def _dinov2_vitl14() -> Network:
    """timm's model: the architecture of torch.hub's `dinov2_vitl14`, which also interpolates position embeddings."""
    import timm

    def build() -> nn.Module:
        model: nn.Module = timm.create_model("vit_large_patch14_dinov2", num_classes=0, dynamic_img_size=True)
        return model

    return _with_random_weights(build, "bicubic", DINO_PATCH)


def _with_random_weights(build: Callable[[], nn.Module], interpolation: str, multiple_of: int = 1) -> Network:
    """A network with random weights, which are the same every time."""
    import torch

    from evaluation.frozen import IMAGENET_MEAN, IMAGENET_STD, Network, weights_digest

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build()
    return Network(module, IMAGENET_MEAN, IMAGENET_STD, interpolation, weights_digest(module), multiple_of)
