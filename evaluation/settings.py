"""Settings of the evaluation; defaults are the paper's (see docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ClassifierSettings:
    """A linear layer on a frozen backbone (DIAGen, section 5).

    `views_per_image` random augmentations of each real image and `views_per_synthetic` of each synthetic
    one are embedded once; the head trains on those features.
    """

    backbone: str = "torchvision/resnet50.imagenet1k_v2"
    image_size: int = 256
    epochs: int = 50
    iterations: int = 200
    batch_size: int = 32
    learning_rate: float = 1e-4
    views_per_image: int = 50
    views_per_synthetic: int = 5


@dataclass
class FeatureSettings:
    """Features and neighbours of improved precision and recall (Kynkäänniemi et al. 2019)."""

    name: str = "dinov2_vitl14"
    image_size: int = 224
    neighbours: int = 3


@dataclass
class GuideClassifierSettings:
    """The classifier whose calibrated confidence weights synthetic images (DIAGen, component c)."""

    epochs: int = 50
    iterations: int = 200
    batch_size: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 1e-2
    patience: int = 5
    views_per_image: int = 50
    confidence_views: int = 5
