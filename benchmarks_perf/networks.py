"""Networks to time: those of the suite, and the paper's with random weights, which need no download."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks_perf.operations import operations
from evaluation.backbones import BACKBONES
from evaluation.frozen import IMAGENET_MEAN, IMAGENET_STD, Network


def _resnet50(image_size: int) -> Network:
    from torch import nn
    from torchvision.models import resnet50

    model = resnet50(weights=None)
    model.fc = nn.Identity()
    return Network(model, IMAGENET_MEAN, IMAGENET_STD, "bilinear", "random")


def _dinov2_vitl14(image_size: int) -> Network:
    """timm's: the architecture of torch.hub's `dinov2_vitl14`."""
    import timm

    model = timm.create_model("vit_large_patch14_dinov2", pretrained=False, num_classes=0, img_size=image_size)
    return Network(model, IMAGENET_MEAN, IMAGENET_STD, "bicubic", "random", multiple_of=14)


RANDOM: dict[str, Callable[[int], Network]] = {"random/resnet50": _resnet50, "random/dinov2_vitl14": _dinov2_vitl14}


def open_network(name: str, image_size: int) -> Network:
    """A network of `RANDOM` or of the suite's backbones, in float32, for images of this side."""
    return RANDOM[name](image_size) if name in RANDOM else BACKBONES[name]()


def network_operations(network: Network, image_size: int) -> float:
    """Of one image through the network."""
    return operations(network.module, torch.empty(1, 3, image_size, image_size))
