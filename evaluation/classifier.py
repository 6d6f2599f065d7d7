"""The downstream classifier: one linear layer, trained on cached features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from datasets.seeding import seed_from
from evaluation.accuracy import mean_class_accuracy
from evaluation.calibration import negative_log_likelihood
from evaluation.device import one_thread
from evaluation.sampling import draw, sampling_probabilities
from evaluation.settings import ClassifierSettings

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def _no_integers() -> Integers:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class TrainingFeatures:
    """Features of augmented views of N real and M synthetic images, D entries each.

    real: (N, V, D); labels: (N,) of the real images.
    synthetic: (M, Vs, D), or None where there is none; guides: (M,) index of each one's real image, whose label
    it has; weights: (M,), at least 0.
    """

    real: Floats
    labels: Integers
    synthetic: Floats | None = None
    guides: Integers = field(default_factory=_no_integers)
    weights: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Head:
    """A linear classifier on features: weight (C, D), bias (C,).

    epoch: the epoch (from 1) whose weights these are; validation_accuracy: its mean per-class accuracy.
    """

    weight: Floats
    bias: Floats
    epoch: int = 0
    validation_accuracy: float = float("nan")

    def logits(self, features: Floats) -> Floats:
        """(..., C) of features (..., D)."""
        return (features @ self.weight.T + self.bias).astype(np.float32)

    def predict(self, features: Floats) -> Integers:
        """The most probable label of each feature vector: (N,) of (N, D)."""
        return np.asarray(self.logits(features).argmax(axis=-1), np.int64)

    def probabilities(self, features: Floats, temperature: float = 1.0) -> npt.NDArray[np.float64]:
        """Softmax of logits / temperature: (..., C) of (..., D)."""
        return softmax(self.logits(features).astype(np.float64) / temperature)


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def train_head(
    features: TrainingFeatures,
    validation_features: Floats,
    validation_labels: Integers,
    classes: int,
    settings: ClassifierSettings,
    alpha: float,
    seed: int,
) -> Head:
    """The head of the best validation epoch (DIAGen, section 5: Adam on class-balanced samples of Eq. 2).

    The best epoch has the highest mean per-class validation accuracy; of equal ones, the lowest validation loss.
    Without validation images the last epoch is kept.

    Args:
        validation_features: of plain views, (L, D); validation_labels: (L,).
        alpha: probability of a synthetic image in place of its guide.
        seed: decides initial weights, draws and views.
    """
    generator = torch.Generator().manual_seed(seed_from("head", seed))
    rng = np.random.default_rng(seed_from("draws", seed))
    layer = linear_layer(features.real.shape[-1], classes, generator)
    optimiser = torch.optim.Adam(layer.parameters(), lr=settings.learning_rate)
    batches = _Batches(features, settings, alpha)
    best, best_rank = Head(*_copied(layer)), (-1.0, float("-inf"))
    for epoch in range(1, settings.epochs + 1):
        descend(layer, optimiser, batches.epoch(rng))
        head = Head(*_copied(layer), epoch=epoch)
        if len(validation_labels) == 0:
            best = head
            continue
        logits = head.logits(validation_features)
        accuracy = mean_class_accuracy(logits.argmax(axis=-1), validation_labels, classes)
        rank = (accuracy, -negative_log_likelihood(logits, validation_labels))
        if rank > best_rank:
            best, best_rank = Head(head.weight, head.bias, epoch, accuracy), rank
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
    """A step down the cross-entropy for each batch of features (B, D) and labels (B,)."""
    with one_thread():
        for x, y in batches:
            optimiser.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(layer(x), y).backward()
            optimiser.step()


def _copied(layer: nn.Linear) -> tuple[Floats, Floats]:
    """The weights as they are now: a reference would follow the training to its last epoch."""
    return layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()


class _Batches:
    """Draws an epoch of samples at once: an image by Eq. 2, then one of its views, all alike."""

    def __init__(self, features: TrainingFeatures, settings: ClassifierSettings, alpha: float) -> None:
        real, synthetic = features.real, features.synthetic
        if synthetic is None:
            synthetic = np.empty((0, 1, real.shape[-1]), np.float32)
        weights = np.asarray(features.weights, np.float64)
        self._probabilities = sampling_probabilities(features.labels, features.guides, weights, alpha)
        flat = np.concatenate([real.reshape(-1, real.shape[-1]), synthetic.reshape(-1, real.shape[-1])])
        self._features = torch.from_numpy(flat.astype(np.float32, copy=False))
        self._labels = torch.from_numpy(np.concatenate([features.labels, features.labels[features.guides]]))
        self._views = np.repeat([real.shape[1], synthetic.shape[1]], [len(real), len(synthetic)])
        self._first_row = np.cumsum(self._views) - self._views
        self._size, self._count = settings.batch_size, settings.iterations

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        images = draw(*self._probabilities, self._size * self._count, rng)
        rows = torch.from_numpy(self._first_row[images] + rng.integers(0, self._views[images]))
        labels = self._labels[torch.from_numpy(images)]
        for start in range(0, len(images), self._size):
            part = slice(start, start + self._size)
            yield self._features[rows[part]], labels[part]
