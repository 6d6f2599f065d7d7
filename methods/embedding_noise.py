"""DIAGen's component (a): noise on the learned words (Eq. 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.seeding import seed_from
from methods.plan import Vector


def noisy_words(words: Sequence[Vector], levels: Sequence[float], seed: int) -> tuple[tuple[Vector, ...], ...]:
    """Each class's word at each noise level: ṽ = v + ε, ε ~ N(0, σ²I) (DIAGen, Eq. 1).

    One draw for each class and place among the levels, from a seed of its own: levels that are all scaled scale the
    noise and leave its direction, so that an ablation changes its size alone. Level 0 is the clean word.

    Args:
        words: one vector a class, float32 (width,), in label order.
        levels: standard deviations σ, each at least 0.
        seed: of all draws.

    Returns:
        For each class, one float32 vector a level, in the order of `levels`.
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
