"""The downstream classifier: one linear layer, trained on cached features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from scipy.special import softmax
from torch import nn

from datasets.seeding import seed_from
from evaluation.accuracy import mean_class_accuracy
from evaluation.arrays import Doubles, Indices, Singles
from evaluation.calibration import negative_log_likelihood
from evaluation.device import torch_threads
from evaluation.sampling import draw, sampling_probabilities, validation_sample
from evaluation.settings import ClassifierSettings


def _no_integers() -> Indices:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class TrainingFeatures:
    """Features of augmented views of N real and M synthetic images, D entries each.

    real: (N, V, D); labels: (N,) of the real images.
    synthetic: (M, Vs, D), or None if there are none; guides: (M,) index of the real image from which each synthetic
    image was made and takes its label; weights: (M,), at least 0.
    """

    real: Singles
    labels: Indices
    synthetic: Singles | None = None
    guides: Indices = field(default_factory=_no_integers)
    weights: Doubles = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Head:
    """A linear classifier on features: weight (C, D), bias (C,).

    epoch: the epoch (from 1) at which these weights were taken; validation_accuracy: its mean per-class accuracy.
    statistics: the network's batch normalisation statistics at that epoch, (S,); None if they are the published ones.
    """

    weight: Singles
    bias: Singles
    epoch: int = 0
    validation_accuracy: float = float("nan")
    statistics: Singles | None = None

    def logits(self, features: Singles) -> Singles:
        """Logits (..., C) of features (..., D)."""
        return (features @ self.weight.T + self.bias).astype(np.float32)

    def predict(self, features: Singles) -> Indices:
        """The most probable label of each feature vector: (N,) for features (N, D)."""
        return np.asarray(self.logits(features).argmax(axis=-1), np.int64)

    def probabilities(self, features: Singles, temperature: float = 1.0) -> Doubles:
        """Softmax of logits / temperature: (..., C) for features (..., D)."""
        return np.asarray(softmax(self.logits(features).astype(np.float64) / temperature, axis=-1))


class FeatureSource(Protocol):
    """What a head is trained on: cached views of a frozen network, or the network itself (`through_network`)."""

    @property
    def dimension(self) -> int:
        """D, the length of a feature vector."""

    def epoch(self, rng: np.random.Generator) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of one epoch: features (B, D) and labels (B,)."""

    def validation(self) -> Singles:
        """Features of the validation images, (L, D), from the network in its current state."""

    def statistics(self) -> Singles | None:
        """A copy of the current batch normalisation statistics, as in `Head`."""


def train_head(
    features: TrainingFeatures,
    validation_features: Singles,
    validation_labels: Indices,
    classes: int,
    settings: ClassifierSettings,
    alpha: float,
    seed: int,
) -> Head:
    """Train a head on cached views with `train_on`.

    Args:
        validation_features: of plain views, (L, D); validation_labels: (L,).
        alpha: probability that a synthetic image takes the place of its guide.
    """
    source = _CachedViews(features, validation_features, settings, alpha)
    return train_on(source, validation_labels, classes, settings, seed)


def train_on(
    source: FeatureSource, validation_labels: Indices, classes: int, settings: ClassifierSettings, seed: int
) -> Head:
    """The head of the best validation epoch (DIAGen, section 5: Adam on class-balanced samples of Eq. 2).

    The best epoch has the highest mean per-class validation accuracy. Ties are broken by the lowest validation loss,
    which is also a mean over classes.
    Without validation images, or with `tested_epoch: last`, the last epoch is kept.

    Args:
        validation_labels: of the source's validation images, (L,).
        seed: determines initial weights, draws and views.
    """
    generator = torch.Generator().manual_seed(seed_from("head", seed))
    rng, draws = (np.random.default_rng(seed_from(what, seed)) for what in ("draws", "validation draws"))
    layer = linear_layer(source.dimension, classes, generator)
    optimiser = torch.optim.Adam(layer.parameters(), lr=settings.learning_rate)
    best, best_rank = current_head(layer, source, 0), (-1.0, float("-inf"))
    for epoch in range(1, settings.epochs + 1):
        descend(layer, optimiser, source.epoch(rng))
        head = current_head(layer, source, epoch)
        unasked = settings.tested_epoch == "last" and epoch < settings.epochs
        if unasked or len(validation_labels) == 0:
            best = head
            continue
        count = settings.batch_size * settings.iterations
        rows, weights = validation_sample(validation_labels, settings.validation, count, draws)
        logits, labels = head.logits(source.validation())[rows], validation_labels[rows]
        accuracy = mean_class_accuracy(logits.argmax(axis=-1), labels, classes)
        rank = (accuracy, -negative_log_likelihood(logits, labels, weights=weights))
        if rank > best_rank:
            best, best_rank = replace(head, validation_accuracy=accuracy), rank
    return best


def linear_layer(dimension: int, classes: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer with PyTorch's usual initial distribution, drawn from `generator` alone."""
    layer = nn.utils.skip_init(nn.Linear, dimension, classes)
    bound = dimension**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer


def descend(
    layer: nn.Linear, optimiser: torch.optim.Optimizer, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    """Take one optimiser step on the cross-entropy of each batch of features (B, D) and labels (B,)."""
    with torch_threads(1):
        for x, y in batches:
            optimiser.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(layer(x), y).backward()
            optimiser.step()


def current_head(layer: nn.Linear, source: FeatureSource, epoch: int) -> Head:
    """A copy of the current weights; references to them would change as training goes on."""
    weight, bias = (parameter.detach().numpy().copy() for parameter in (layer.weight, layer.bias))
    return Head(weight, bias, epoch, statistics=source.statistics())


class _CachedViews:
    """Draws all samples of an epoch at once: an image by Eq. 2, then one of its views, uniformly."""

    def __init__(
        self, features: TrainingFeatures, validation: Singles, settings: ClassifierSettings, alpha: float
    ) -> None:
        real, synthetic = features.real, features.synthetic
        self.dimension = real.shape[-1]
        if synthetic is None:
            synthetic = np.empty((0, 1, self.dimension), np.float32)
        weights = np.asarray(features.weights, np.float64)
        self._probabilities = sampling_probabilities(features.labels, features.guides, weights, alpha)
        flat = np.concatenate([real.reshape(-1, self.dimension), synthetic.reshape(-1, self.dimension)])
        self._features = torch.from_numpy(flat.astype(np.float32, copy=False))
        self._labels = torch.from_numpy(np.concatenate([features.labels, features.labels[features.guides]]))
        self._views = np.repeat([real.shape[1], synthetic.shape[1]], [len(real), len(synthetic)])
        self._first_row = np.cumsum(self._views) - self._views
        self._size, self._count = settings.batch_size, settings.iterations
        self._validation = validation

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        images = draw(*self._probabilities, self._size * self._count, rng)
        rows = torch.from_numpy(self._first_row[images] + rng.integers(0, self._views[images]))
        labels = self._labels[torch.from_numpy(images)]
        for start in range(0, len(images), self._size):
            part = slice(start, start + self._size)
            yield self._features[rows[part]], labels[part]

    def validation(self) -> Singles:
        return self._validation

    def statistics(self) -> None:
        return None
