"""The guide classifier: how sure a classifier of the real shots is of each synthetic image (DIAGen, component c)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from datasets.seeding import seed_from
from evaluation.calibration import expected_calibration_error, fit_temperature, negative_log_likelihood
from evaluation.classifier import Floats, Head, Integers, descend, linear_layer, softmax
from evaluation.settings import GuideClassifierSettings


@dataclass(frozen=True)
class GuideResult:
    """confidence: calibrated probability of each synthetic image's own label, (M,) in [0, 1].

    ECE (in [0, 1]) and NLL (nats) are those of the validation images, before and after temperature scaling.
    """

    confidence: npt.NDArray[np.float64]
    temperature: float
    ece_before: float
    ece_after: float
    nll_before: float
    nll_after: float
    epoch: int


def guide_confidences(
    train_views: Floats,
    train_labels: Integers,
    val_features: Floats,
    val_labels: Integers,
    synthetic_views: Floats,
    synthetic_labels: Integers,
    classes: int,
    settings: GuideClassifierSettings,
    seed: int,
) -> GuideResult:
    """Train on the real shots, calibrate on validation images, judge the synthetic ones.

    c = mean over views of softmax(z/T)[label of the guide]. The validation images stop the training and fit T, as in
    the published code.

    Args:
        train_views: RandAugment views of the real images, (N, V, D); train_labels: (N,).
        val_features: plain views, (L, D); val_labels: (L,).
        synthetic_views: RandAugment views of the synthetic images, (M, Vs, D); synthetic_labels: (M,).
    """
    head = train_guide_head(train_views, train_labels, val_features, val_labels, classes, settings, seed)
    logits = head.logits(val_features)
    temperature = fit_temperature(logits, val_labels)
    before, after = (softmax(logits.astype(np.float64) / t) for t in (1.0, temperature))
    return GuideResult(
        confidence=own_label_confidence(head, synthetic_views, synthetic_labels, temperature),
        temperature=temperature,
        ece_before=expected_calibration_error(before, val_labels),
        ece_after=expected_calibration_error(after, val_labels),
        nll_before=negative_log_likelihood(logits, val_labels),
        nll_after=negative_log_likelihood(logits, val_labels, temperature),
        epoch=head.epoch,
    )


def own_label_confidence(head: Head, views: Floats, labels: Integers, temperature: float) -> npt.NDArray[np.float64]:
    """Mean over views (M, Vs, D) of the calibrated probability of the image's label: (M,) in [0, 1]."""
    mean = head.probabilities(views, temperature).mean(axis=1)
    return np.asarray(mean[np.arange(len(labels)), labels])


def train_guide_head(
    train_views: Floats,
    train_labels: Integers,
    val_features: Floats,
    val_labels: Integers,
    classes: int,
    settings: GuideClassifierSettings,
    seed: int,
) -> Head:
    """The head of lowest validation loss; training ends `patience` epochs after it (or after all, without validation).

    Adam with L2 penalty `weight_decay`; images and views are drawn alike.
    """
    rng = np.random.default_rng(seed_from("guide draws", seed))
    layer = linear_layer(train_views.shape[-1], classes, torch.Generator().manual_seed(seed_from("guide head", seed)))
    optimiser = torch.optim.Adam(layer.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    best, lowest = _copied(layer, 0), float("inf")
    for epoch in range(1, settings.epochs + 1):
        descend(layer, optimiser, _epoch(train_views, train_labels, settings, rng))
        head = _copied(layer, epoch)
        loss = negative_log_likelihood(head.logits(val_features), val_labels) if len(val_labels) else -float(epoch)
        if loss < lowest:
            best, lowest = head, loss
        elif epoch - best.epoch >= settings.patience:
            break
    return best


def _epoch(
    views: Floats, labels: Integers, settings: GuideClassifierSettings, rng: np.random.Generator
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    shape = (settings.iterations, settings.batch_size)
    images, columns = rng.integers(0, len(views), shape), rng.integers(0, views.shape[1], shape)
    return [
        (torch.from_numpy(views[image, column]), torch.from_numpy(labels[image].astype(np.int64)))
        for image, column in zip(images, columns, strict=True)
    ]


def _copied(layer: torch.nn.Linear, epoch: int) -> Head:
    return Head(layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy(), epoch)
