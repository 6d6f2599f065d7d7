"""Tiny networks for tests that pass images through one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from evaluation.batch_statistics import DriftingBackbone
from evaluation.frozen import Backbone, Network

SIDE = 8


def tiny_network(*layers: nn.Module) -> Network:
    """A network with six features: means of a random convolution, followed by `layers`."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        convolution = nn.Conv2d(3, 6, 3)
    module = nn.Sequential(convolution, *layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Network(module, (0.5,) * 3, (0.5,) * 3, "bilinear", "tiny")


def tiny_backbone(*layers: nn.Module) -> DriftingBackbone:
    """A drifting backbone, with one batch normalisation layer by default."""
    return DriftingBackbone("tiny", tiny_network(*(layers or (nn.BatchNorm2d(6),))), SIDE, batch_size=4)


def in_fours(backbone: Backbone) -> Backbone:
    """Set the batch size to four images."""
    backbone.batch_size = 4
    return backbone


def pictures(seed: int, count: int, centre: float = 127.0) -> list[Image.Image]:
    """Images of noise around a grey."""
    pixels: Any = np.random.default_rng(seed).normal(centre, 40, (count, SIDE, SIDE, 3))
    return [Image.fromarray(p) for p in pixels.clip(0, 255).astype(np.uint8)]
