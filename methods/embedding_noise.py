"""DIAGen's component (a): noise on the learned words (Eq. 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.seeding import seed_from
from methods.plan import Vector


def noisy_words(words: Sequence[Vector], levels: Sequence[float], seed: int) -> tuple[tuple[Vector, ...], ...]:
    """Each class's word at each noise level: ṽ = v + ε, ε ~ N(0, σ²I) (DIAGen, Eq. 1).

    There is one draw per class and position in `levels`, each from its own seed. Scaling all levels therefore scales
    the noise but keeps its direction, so that an ablation changes only its size. Level 0 is the clean word.

    Args:
        words: one vector per class, float32 (width,), in label order.
        levels: standard deviations σ, each at least 0.
        seed: the seed from which those of all draws are derived.

    Returns:
        For each class, one float32 vector per level, in the order of `levels`.
    """
    return tuple(
        tuple(_noisy(word, level, seed_from("embedding noise", seed, label, at)) for at, level in enumerate(levels))
        for label, word in enumerate(words)
    )


def _noisy(word: Vector, level: float, seed: int) -> Vector:
    if level == 0:
        return word
    noise = np.random.default_rng(seed).standard_normal(word.shape)
    return (word + level * noise).astype(np.float32)
