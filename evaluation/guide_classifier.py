"""The guide classifier: trained on the real shots, it rates each synthetic image (DIAGen, component c)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from datasets.plurals import counted
from datasets.seeding import seed_from
from evaluation.arrays import Doubles, Indices, Singles
from evaluation.calibration import Calibration, all_recognised, calibrate, negative_log_likelihood
from evaluation.classifier import FeatureSource, Head, current_head, descend, linear_layer
from evaluation.sampling import validation_sample
from evaluation.settings import GuideClassifierSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GuideResult:
    """confidence: calibrated probability of each synthetic image's own label, (M,) in [0, 1].
    calibration: how temperature scaling changed the confidence on the validation images.
    """

    confidence: Doubles
    calibration: Calibration


def guide_confidences(
    train_views: Singles,
    train_labels: Indices,
    val_features: Singles,
    val_labels: Indices,
    synthetic_views: Singles,
    synthetic_labels: Indices,
    classes: int,
    settings: GuideClassifierSettings,
    seed: int,
) -> GuideResult:
    """Train on the real shots, calibrate on the validation images, then rate the synthetic images.

    The validation images stop the training and fit T, as in the published code. With `validation: none` all epochs are
    trained, T is 1, and the k shots are the only images used.

    Args:
        train_views: RandAugment views of the real images, (N, V, D); train_labels: (N,).
        val_features: plain views, (L, D); val_labels: (L,).
        synthetic_views: augmented views of the synthetic images, (M, Vs, D); synthetic_labels: (M,).
    """
    head = train_guide_head(train_views, train_labels, val_features, val_labels, classes, settings, seed)
    return judge(head, head.logits(val_features), val_labels, synthetic_views, synthetic_labels, settings, seed)


def judge(
    head: Head,
    val_logits: Singles,
    val_labels: Indices,
    synthetic_views: Singles,
    synthetic_labels: Indices,
    settings: GuideClassifierSettings,
    seed: int,
) -> GuideResult:
    """Calibrate the head on validation logits (L, C) and compute its confidence in the synthetic images (M, Vs, D).

    confidence = mean over views of softmax(z/T)[label of the guide].
    """
    rows, weights = _validation_samples(val_labels, settings, seed_from("calibration draws", seed))()
    logits, labels = val_logits[rows], val_labels[rows]
    calibration = calibrate(logits, labels, weights)
    if len(labels) and all_recognised(logits, labels):
        logger.warning(
            "the guide classifier recognises all %s, which does not show how confident it should be: its confidences "
            "are not calibrated (temperature 1)",
            counted(len(val_labels), "validation image"),
        )
    confidence = own_label_confidence(head, synthetic_views, synthetic_labels, calibration.temperature)
    return GuideResult(confidence, calibration)


def own_label_confidence(head: Head, views: Singles, labels: Indices, temperature: float) -> Doubles:
    """Calibrated probability of each image's own label, averaged over its views (M, Vs, D): (M,) in [0, 1]."""
    mean = head.probabilities(views, temperature).mean(axis=1)
    return np.asarray(mean[np.arange(len(labels)), labels])


def train_guide_head(
    train_views: Singles,
    train_labels: Indices,
    val_features: Singles,
    val_labels: Indices,
    classes: int,
    settings: GuideClassifierSettings,
    seed: int,
) -> Head:
    """Train a head on cached views with `train_guide_on`."""
    source = _CachedViews(train_views, train_labels, val_features, settings)
    return train_guide_on(source, val_labels, classes, settings, seed)


def train_guide_on(
    source: FeatureSource, val_labels: Indices, classes: int, settings: GuideClassifierSettings, seed: int
) -> Head:
    """The head with the lowest validation loss; training ends `patience` epochs after it.

    Without validation, all epochs are trained and the last head is returned. With `tested_epoch: last`, it is the head
    at which training ended. The loss is a mean over classes, however many validation images each has. The optimiser is
    Adam with L2 penalty `weight_decay`.
    """
    rng = np.random.default_rng(seed_from("guide draws", seed))
    validation = _validation_samples(val_labels, settings, seed_from("guide validation draws", seed))
    layer = linear_layer(source.dimension, classes, torch.Generator().manual_seed(seed_from("guide head", seed)))
    optimiser = torch.optim.Adam(layer.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    head, lowest = current_head(layer, source, 0), float("inf")
    best = head
    for epoch in range(1, settings.epochs + 1):
        descend(layer, optimiser, source.epoch(rng))
        head, (rows, weights) = current_head(layer, source, epoch), validation()
        loss = -float(epoch)
        if len(rows):
            logits = head.logits(source.validation())[rows]
            loss = negative_log_likelihood(logits, val_labels[rows], weights=weights)
        if loss < lowest:
            best, lowest = head, loss
        elif epoch - best.epoch >= settings.patience:
            break
    return head if settings.tested_epoch == "last" else best


def _validation_samples(
    labels: Indices, settings: GuideClassifierSettings, seed: int
) -> Callable[[], tuple[Indices, Doubles]]:
    """A function that returns each epoch's validation rows and their weights; none with `validation: none`."""
    rng, count = np.random.default_rng(seed), settings.batch_size * settings.iterations
    if len(labels) == 0 or settings.validation == "none":
        return lambda: validation_sample(labels[:0], "once", count, rng)
    return lambda: validation_sample(labels, settings.validation, count, rng)


class _CachedViews:
    """Draws images and views uniformly."""

    def __init__(self, views: Singles, labels: Indices, validation: Singles, settings: GuideClassifierSettings) -> None:
        self.dimension = views.shape[-1]
        self._views, self._labels, self._validation = views, labels, validation
        self._shape = (settings.iterations, settings.batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        images = rng.integers(0, len(self._views), self._shape)
        columns = rng.integers(0, self._views.shape[1], self._shape)
        for image, column in zip(images, columns, strict=True):
            yield torch.from_numpy(self._views[image, column]), torch.from_numpy(self._labels[image].astype(np.int64))

    def validation(self) -> Singles:
        return self._validation

    def statistics(self) -> None:
        return None
