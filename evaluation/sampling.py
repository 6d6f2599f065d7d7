"""Draws the images of training samples: the class-balanced sampling of DIAGen, Eq. 2."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Indices


def sampling_probabilities(labels: Indices, guides: Indices, weights: Doubles, alpha: float) -> tuple[Doubles, Doubles]:
    """Probabilities of drawing each real image, shape (N,), and each synthetic image, shape (M,); they sum to 1.

    Classes are balanced. Within a class of N real images, the real image i has probability (1 − α)/N and its
    synthetic image j has (α/N) · w_ij / Σ_m w_im. A guide without a synthetic image of positive weight keeps
    all of its 1/N.

    Args:
        labels: class of each real image, shape (N,).
        guides: index of the real image that each synthetic one was made from, shape (M,).
        weights: at least 0; only ratios within one guide matter, shape (M,).
        alpha: probability that a synthetic image takes the place of its guide, in [0, 1].

    Raises:
        ValueError: a weight is negative or not finite, a guide does not exist, or alpha is outside [0, 1].
    """
    _check(labels, guides, weights, alpha)
    present, class_index, class_sizes = np.unique(labels, return_inverse=True, return_counts=True)
    guide_mass = 1.0 / (len(present) * class_sizes[class_index])
    # Scaling by the guide's largest weight keeps tiny weights from underflowing in the sum.
    largest = np.zeros(len(labels))
    np.maximum.at(largest, guides, weights)
    scaled = np.divide(weights, largest[guides], out=np.zeros(len(weights)), where=largest[guides] > 0)
    totals = np.bincount(guides, weights=scaled, minlength=len(labels))
    share = np.divide(scaled, totals[guides], out=np.zeros(len(weights)), where=totals[guides] > 0)
    real = guide_mass * np.where(totals > 0, 1.0 - alpha, 1.0)
    return real, guide_mass[guides] * alpha * share


def draw(real: Doubles, synthetic: Doubles, count: int, rng: np.random.Generator) -> Indices:
    """`count` independent draws, with replacement: i < N is real image i, N + j is synthetic image j."""
    cumulative = np.cumsum(np.concatenate([real, synthetic]))
    picks = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    # Rounding may put a draw at the very end: it counts as the last image of positive probability.
    return np.asarray(np.minimum(picks, np.searchsorted(cumulative, cumulative[-1])), np.int64)


def validation_sample(labels: Indices, how: str, count: int, rng: np.random.Generator) -> tuple[Indices, Doubles]:
    """Indices of the validation images (L,) that evaluate an epoch, and their weights in its loss: two arrays (R,).

    Args:
        how: `once`: every image, weighted by `class_weights`; `resampled`: `count` class-balanced draws with
            replacement, all of weight 1, as in the published code.
    """
    if how == "once":
        return np.arange(len(labels)), class_weights(labels)
    return draw(*balanced(labels), count, rng), np.ones(count)


def class_weights(labels: Indices) -> Doubles:
    """Weights of images (N,), inversely proportional to their class sizes and 1 on average: classes count equally.

    If all classes have the same size, each weight is exactly 1, so that a weighted mean equals the plain mean.
    """
    present, class_index, class_sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(len(labels) / (len(present) * class_sizes[class_index]))


def balanced(labels: Indices) -> tuple[Doubles, Doubles]:
    """`sampling_probabilities` for real images only."""
    return sampling_probabilities(labels, np.empty(0, np.int64), np.empty(0), 0.0)


def _check(labels: Indices, guides: Indices, weights: Doubles, alpha: float) -> None:
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"synthetic probability {alpha} is outside [0, 1]")
    if len(labels) == 0:
        raise ValueError("there is no real image to draw")
    if len(guides) != len(weights):
        raise ValueError(f"{len(weights)} weights for {len(guides)} synthetic images")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise ValueError("a synthetic image's weight is negative or not a finite number")
    if len(guides) and not (guides.min() >= 0 and guides.max() < len(labels)):
        raise ValueError("a synthetic image's guide is not among the real images")
