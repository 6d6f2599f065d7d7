"""A classifier's seed determines both its initial weights and its draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from evaluation.arrays import Singles
from evaluation.classifier import Head, train_on
from evaluation.guide_classifier import train_guide_on
from evaluation.settings import ClassifierSettings, GuideClassifierSettings

NO_LABELS = np.empty(0, np.int64)


class Watched:
    """A source without samples: the head keeps its initial weights, and the first draw of each epoch is recorded."""

    dimension = 4

    def __init__(self) -> None:
        self.drawn: list[float] = []

    def epoch(self, rng: np.random.Generator) -> list[tuple[torch.Tensor, torch.Tensor]]:
        self.drawn.append(float(rng.random()))
        return []

    def validation(self) -> Singles:
        return np.empty((0, self.dimension), np.float32)

    def statistics(self) -> None:
        return None


@pytest.mark.parametrize(
    ("train", "settings"),
    [(train_on, ClassifierSettings(epochs=5)), (train_guide_on, GuideClassifierSettings(epochs=5))],
)
def test_the_seed_decides_the_initial_weights_and_the_draws(
    train: Callable[..., Head], settings: ClassifierSettings | GuideClassifierSettings
) -> None:
    first, again, other = Watched(), Watched(), Watched()
    heads = [train(source, NO_LABELS, 2, settings, seed) for source, seed in ((first, 0), (again, 0), (other, 1))]
    assert np.array_equal(heads[0].weight, heads[1].weight)
    assert not np.array_equal(heads[0].weight, heads[2].weight)
    assert len(first.drawn) == 5
    assert first.drawn == again.drawn
    assert not set(first.drawn) & set(other.drawn)
