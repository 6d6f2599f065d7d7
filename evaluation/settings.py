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
    """The frozen network; `list backbones` shows all."""
    image_size: int = 256
    """Width and height in pixels of the images that the backbone sees."""
    epochs: int = 50
    """Number of epochs, each of `iterations` steps and a validation."""
    iterations: int = 200
    """Steps of Adam in an epoch."""
    batch_size: int = 32
    """Images per step."""
    learning_rate: float = 1e-4
    """Learning rate of Adam."""
    views_per_image: int = 50
    """Random augmentations of each real image, embedded once and then trained on."""
    views_per_synthetic: int = 5
    """Random augmentations of each synthetic image, embedded once and then trained on."""
    tested_epoch: str = "best"
    """Which epoch is tested: the `best` by validation accuracy, or the `last`, as in the published code."""
    backbone_mode: str = "eval"
    """Mode of the frozen backbone: `eval`, or `train`, as in the published code: batch normalisation uses each batch's
    own statistics, and the running statistics drift (`evaluation/batch_statistics.py`)."""
    validation: str = "once"
    """How the best epoch is chosen: on each validation image `once`, with all classes weighted equally, or on
    class-balanced draws that are `resampled` in each epoch."""
    transform: str = "standard"
    """Augmentation of the training images: `standard`, `standard_without_crop`, or `rand_augment` (RandAugment alone,
    without crop or flip)."""
    dtype: str = "auto"
    """Precision of the frozen backbone: `auto`, `float32`, `float16` or `bfloat16`; always float32 with
    `backbone_mode=train`."""


@dataclass
class FeatureSettings:
    """Features and neighbour counts of the image measures: `neighbours` for improved precision and recall
    (Kynkäänniemi et al. 2019), `density_neighbours` for density and coverage (Naeem et al. 2020)."""

    name: str = "dinov2_vitl14"
    """The network that computes the features; `list features` shows all."""
    image_size: int = 224
    """Width and height in pixels of the images that the network sees."""
    neighbours: int = 3
    """The k of precision and recall: the ball around an image reaches to its k-th nearest neighbour."""
    density_neighbours: int = 5
    """The k of density and coverage."""
    real_set: str = "all_tests"
    """The real images that synthetic ones are compared with: those of `all_tests` together, or of the set `test`
    alone."""
    dtype: str = "auto"
    """Precision of the network; values as for `classifier.dtype`."""


@dataclass
class GuideClassifierSettings:
    """The classifier whose calibrated confidence weights synthetic images (DIAGen, component c)."""

    epochs: int = 50
    """Largest number of epochs, each of `iterations` steps and a validation."""
    iterations: int = 200
    """Steps of Adam in an epoch."""
    batch_size: int = 32
    """Images per step."""
    learning_rate: float = 1e-4
    """Learning rate of Adam."""
    weight_decay: float = 1e-2
    """L2 penalty of Adam."""
    patience: int = 6
    """Training ends after this many epochs without a lower validation loss."""
    views_per_image: int = 50
    """Random augmentations of each real image, embedded once and then trained on."""
    confidence_views: int = 5
    """Augmented views of a synthetic image over which its confidence is averaged."""
    tested_epoch: str = "best"
    """Which epoch is used: the `best` by validation loss, or the `last` one trained, as in the published code."""
    backbone_mode: str = "eval"
    """As `classifier.backbone_mode`."""
    validation: str = "once"
    """How training is stopped and the temperature fitted: `once` or `resampled`, as `classifier.validation`, or `none`,
    so that no image beyond the shots affects the weights: all epochs are trained, and the temperature is 1."""
    confidence_transform: str = "standard"
    """Augmentation of the views over which confidence is averaged, as `classifier.transform`; with `rand_augment` they
    are like those that this classifier is trained on."""
