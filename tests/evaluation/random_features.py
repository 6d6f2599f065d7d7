"""Random features for tests of measures on sets of features."""

from __future__ import annotations

import numpy as np

from evaluation.arrays import Doubles, Singles


def features(seed: int, count: int, width: int = 6, shift: float = 0.0, spread: float = 1.0) -> Singles:
    return (np.random.default_rng(seed).normal(size=(count, width)) * spread + shift).astype(np.float32)


CLOUDS = [(6, 1.0), (64, 1.0), (300, 0.1), (64, 1e-3), (512, 1e-6)]
"""Widths and spreads of `clouds`."""


def clouds(seed: int, count: int, width: int, spread: float = 1.0) -> Doubles:
    """`count` vectors around ten centres that are about √width apart."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(99).normal(size=(10, width))
    return places[rng.integers(0, 10, count)] + rng.normal(size=(count, width)) * spread
