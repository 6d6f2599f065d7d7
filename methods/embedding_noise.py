"""DIAGen's component (a): noise on the learned words (Eq. 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.seeding import seed_from
from methods.plan import Vector


def noisy_words(words: Sequence[Vector], levels: Sequence[float], seed: int) -> tuple[tuple[Vector, ...], ...]:
    """Each class's word at each noise level: ṽ = v + ε, ε ~ N(0, σ²I) (DIAGen, Eq. 1).

    One draw for each class and level, from a seed of its own, so that a level's word does not depend on which other
    levels are asked for. Level 0 is the clean word.

    Args:
        words: one vector a class, float32 (width,), in label order.
        levels: standard deviations σ, each at least 0.
        seed: of all draws.

    Returns:
        For each class, one float32 vector a level, in the order of `levels`.
    """
    return tuple(
        tuple(_noisy(word, level, seed_from("embedding noise", seed, label, float(level))) for level in levels)
        for label, word in enumerate(words)
    )


def _noisy(word: Vector, level: float, seed: int) -> Vector:
    if level == 0:
        return word
    noise = np.random.default_rng(seed).standard_normal(word.shape)
    return (word + level * noise).astype(np.float32)
