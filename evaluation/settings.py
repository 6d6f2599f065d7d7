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
    """The frozen network, one of `list backbones`."""
    image_size: int = 256
    """Pixels on a side of what the backbone sees."""
    epochs: int = 50
    """Rounds of `iterations` steps, each followed by a validation."""
    iterations: int = 200
    """Adam's steps in an epoch."""
    batch_size: int = 32
    """Images of a step."""
    learning_rate: float = 1e-4
    """Adam's."""
    views_per_image: int = 50
    """Random augmentations that are embedded of each real image."""
    views_per_synthetic: int = 5
    """Random augmentations that are embedded of each synthetic image."""
    tested_epoch: str = "best"
    """`best`: of highest validation accuracy; `last`: what the published code tests."""
    backbone_mode: str = "eval"
    """`eval`: the network as published; `train`: batch normalisation by each batch's own statistics, running statistics
    drift (`batch_statistics`)."""
    validation: str = "once"
    """What chooses the best epoch: each validation image `once`, classes counting alike, or class-balanced draws
    `resampled` each epoch."""
    transform: str = "standard"
    """The train-time view: `standard`, `standard_without_crop`, or `rand_augment`: RandAugment alone, with neither crop
    nor flip."""
    dtype: str = "auto"
    """Precision of the frozen backbone: `auto`, `float32`, `float16` or `bfloat16`; with `backbone_mode: train` it is
    float32 always."""


@dataclass
class FeatureSettings:
    """Features of the measures on images, and which neighbour counts: `neighbours` for improved precision and recall
    (Kynkäänniemi et al. 2019), `density_neighbours` for density and coverage (Naeem et al. 2020)."""

    name: str = "dinov2_vitl14"
    """The network, one of `list features`."""
    image_size: int = 224
    """Pixels on a side of what the network sees."""
    neighbours: int = 3
    """The k of precision and recall: a ball reaches to the k-th neighbour."""
    density_neighbours: int = 5
    """The k of density and coverage."""
    real_set: str = "all_tests"
    """The real images that synthetic ones are measured against: of `all_tests` together, or of the set `test` alone."""
    dtype: str = "auto"
    """Precision of the network, as for the classifier."""


@dataclass
class GuideClassifierSettings:
    """The classifier whose calibrated confidence weights synthetic images (DIAGen, component c)."""

    epochs: int = 50
    """Rounds of `iterations` steps at most, each followed by a validation."""
    iterations: int = 200
    """Adam's steps in an epoch."""
    batch_size: int = 32
    """Images of a step."""
    learning_rate: float = 1e-4
    """Adam's."""
    weight_decay: float = 1e-2
    """Adam's L2 penalty."""
    patience: int = 6
    """Epochs without a lower validation loss after which the training ends."""
    views_per_image: int = 50
    """Random augmentations that are embedded of each real image."""
    confidence_views: int = 5
    """Views of a synthetic image whose confidence is averaged."""
    tested_epoch: str = "best"
    """`best`: of lowest validation loss; `last`: the one at which the training ends, as in the published code."""
    backbone_mode: str = "eval"
    """As for the classifier."""
    validation: str = "once"
    """What stops the training and fits the temperature: as for the classifier, or `none`: all epochs are trained, at
    temperature 1, so that no image beyond the shots has a part in the weights."""
    confidence_transform: str = "standard"
    """The views whose confidence is averaged, as `classifier.transform`; `rand_augment`: as in its training."""
