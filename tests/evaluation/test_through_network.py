"""Every sample passes through the network: which images, which views, and what the trained head stores."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from evaluation import through_network
from evaluation.batch_statistics import DriftingBackbone
from evaluation.classifier import train_on
from evaluation.features import embed_images
from evaluation.guide_classifier import train_guide_on
from evaluation.settings import ClassifierSettings, GuideClassifierSettings
from evaluation.through_network import ThroughNetwork, TrainingImages
from evaluation.views import rand_augment_view, standard_view
from tests.evaluation.networks import SIDE, pictures, tiny_backbone

SETTINGS = ClassifierSettings(epochs=4, iterations=6, batch_size=8, learning_rate=1e-2)
LABELS = np.array([0, 0, 1, 1])
VALIDATION_LABELS = np.array([0] * 5 + [1] * 5)


def loads(images: list[Image.Image]) -> list[Any]:
    return [lambda image=image: image for image in images]


def two_classes(seed: int, per_class: int) -> list[Image.Image]:
    """A dark class and a light class."""
    return [*pictures(seed, per_class, 90), *pictures(seed + 1, per_class, 160)]


def source(backbone: DriftingBackbone | None = None, view: Any = standard_view, **given: Any) -> ThroughNetwork:
    images = TrainingImages(loads(two_classes(0, 2)), LABELS)
    validation = loads(two_classes(10, 5))
    arguments: dict[str, Any] = {"images": images, "validation": validation, "view": view, "settings": SETTINGS}
    return ThroughNetwork(backbone=backbone or tiny_backbone(), **{**arguments, **given})


def test_without_batch_statistics_a_sample_is_the_feature_of_its_view() -> None:
    backbone = tiny_backbone(nn.Identity())
    known = embed_images(backbone, two_classes(0, 2))
    batches = source(backbone, lambda image, seed: image).epoch(np.random.default_rng(0))
    assert len(batches) == SETTINGS.iterations
    for features, labels in batches:
        distances = torch.cdist(features, torch.from_numpy(known))
        assert distances.min(dim=1).values.max() < 1e-4
        assert np.array_equal(LABELS[distances.argmin(dim=1)], labels)


def test_every_sample_is_a_view_of_its_own() -> None:
    seeds: list[int] = []

    def seen(image: Image.Image, seed: int) -> Image.Image:
        seeds.append(seed)
        return image

    source(view=seen).epoch(np.random.default_rng(0))
    assert len(set(seeds)) == SETTINGS.iterations * SETTINGS.batch_size


def test_synthetic_images_are_drawn_by_equation_2() -> None:
    asked: list[str] = []
    images = TrainingImages(
        real=[lambda image=image: asked.append("real") or image for image in two_classes(0, 2)],
        labels=LABELS,
        synthetic=[lambda i=i: asked.append(f"made {i}") or pictures(i, 1)[0] for i in range(3)],
        guides=np.array([0, 0, 1]),
        weights=np.array([1.0, 0.0, 1.0]),
    )
    source(images=images, alpha=0.5).epoch(np.random.default_rng(0))
    assert "made 1" not in asked
    assert {"real", "made 0", "made 2"} <= set(asked)


@pytest.mark.parametrize("view", [standard_view, rand_augment_view])
def test_the_head_depends_on_the_seed_and_not_on_the_workers(view: Any) -> None:
    def head(seed: int, workers: int = 0) -> Any:
        dropout = tiny_backbone(nn.BatchNorm2d(6), nn.Dropout(0.5))
        return train_on(source(dropout, view, workers=workers), VALIDATION_LABELS, 2, SETTINGS, seed)

    torch.manual_seed(1)
    first, state = head(0), torch.get_rng_state()
    torch.manual_seed(2)
    again = head(0, workers=2)
    assert np.array_equal(first.weight, again.weight)
    assert np.array_equal(first.statistics, again.statistics)
    assert not np.array_equal(first.weight, head(1).weight)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_dark_and_light_are_told_apart_by_the_network_as_the_head_left_it() -> None:
    backbone = tiny_backbone()
    settings = ClassifierSettings(epochs=8, iterations=10, batch_size=8, learning_rate=3e-2)
    head = train_on(source(backbone, settings=settings), VALIDATION_LABELS, 2, settings, 0)
    backbone.restore(head.statistics)
    logits = head.logits(embed_images(backbone, two_classes(20, 10)))
    assert (logits.argmax(axis=1) == np.repeat([0, 1], 10)).mean() > 0.85


def test_the_best_epochs_statistics_are_kept_with_its_weights() -> None:
    backbone = tiny_backbone()
    through = source(backbone)
    seen: list[Any] = []
    through.validation = lambda: seen.append(backbone.statistics) or ThroughNetwork.validation(through)  # type: ignore[func-returns-value,method-assign]
    settings = ClassifierSettings(epochs=6, iterations=6, batch_size=8, learning_rate=1e-1)
    head = train_on(through, VALIDATION_LABELS, 2, settings, 0)
    assert len(seen) == 6
    assert np.array_equal(head.statistics, seen[head.epoch - 1])
    assert len({part.tobytes() for part in seen}) == 6


def test_validation_is_skipped_where_the_last_epoch_is_tested() -> None:
    through = source()
    calls: list[int] = []
    through.validation = lambda: calls.append(1) or ThroughNetwork.validation(through)  # type: ignore[func-returns-value,method-assign]
    last = ClassifierSettings(epochs=4, iterations=6, batch_size=8, tested_epoch="last")
    assert train_on(through, VALIDATION_LABELS, 2, last, 0).epoch == 4
    assert len(calls) == 1


def test_the_guide_classifier_trains_through_the_network_too() -> None:
    settings = GuideClassifierSettings(epochs=4, iterations=6, batch_size=8, learning_rate=1e-2)
    head = train_guide_on(source(view=rand_augment_view, settings=settings), VALIDATION_LABELS, 2, settings, 0)
    assert head.statistics is not None and len(head.statistics) == 12


@pytest.mark.parametrize(("memory", "most"), [(2**20, 1), (0, 20)])
def test_images_are_read_once_while_there_is_room(monkeypatch: pytest.MonkeyPatch, memory: int, most: int) -> None:
    monkeypatch.setattr(through_network, "MEMORY", memory)
    reads: Counter[int] = Counter()
    images = two_classes(0, 2)
    real = [lambda i=i: reads.update([i]) or images[i] for i in range(4)]
    through = source(images=TrainingImages(real, LABELS))
    batches = [through.epoch(np.random.default_rng(0)) for _ in range(2)]
    assert (max(reads.values()) == 1) == (most == 1)
    torch.testing.assert_close(batches[0][0][0], batches[1][0][0])


def test_large_photos_are_reduced_before_views_are_drawn() -> None:
    sizes: list[tuple[int, int]] = []

    def seen(image: Image.Image, seed: int) -> Image.Image:
        sizes.append(image.size)
        return image

    large = [image.resize((10 * SIDE, 7 * SIDE)) for image in two_classes(0, 2)]
    source(view=seen, images=TrainingImages(loads(large), LABELS)).epoch(np.random.default_rng(0))
    assert set(sizes) == {(-(-10 * SIDE // 3), -(-7 * SIDE // 3))}
