"""What the classifiers of a cell are trained on: images, weights, views and seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import nn

from benchmark.embedding import Embedder, real_pictures
from benchmark.train import train_classifier
from evaluation import batch_statistics, classifier, guide_classifier
from evaluation.features import embed_images
from evaluation.views import rand_augment_view, view_seed
from tests.benchmark.conftest import MeanColour
from tests.benchmark.squares import Settings, fresh_tools, plan, task
from tests.evaluation.networks import tiny_network


def test_weights_and_alpha_reach_the_classifier(world: Any, small: Settings) -> None:
    tools = fresh_tools(small("diagen"))
    images = tools.generate(task(), plan())
    reweighted = images.weighted([1, 1, 1, 0, 0, 0.1])
    plain, by_weight, by_alpha = (
        train_classifier(task(), synthetic, alpha, tools).head.weight
        for synthetic, alpha in ((images, 0.5), (reweighted, 0.5), (images, 0.9))
    )
    assert not np.array_equal(plain, by_weight)
    assert not np.array_equal(plain, by_alpha)


def test_every_image_is_seen_in_the_views_that_are_set(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, embed = [], Embedder.embed

    def watched(embedder: Embedder, pictures: Any, view: str = "plain", views: int = 1) -> Any:
        asked.append((view, views))
        return embed(embedder, pictures, view, views)

    monkeypatch.setattr(Embedder, "embed", watched)
    overrides = (
        "classifier.transform=standard_without_crop",
        "classifier.views_per_synthetic=3",
        "guide_classifier.confidence_transform=standard",
        "guide_classifier.confidence_views=4",
    )
    tools = fresh_tools(small("diagen", overrides=overrides))
    images = tools.generate(task(), plan())
    train_classifier(task(), images, 0.5, tools)
    assert sorted(asked) == [("plain", 1), ("standard_without_crop", 2), ("standard_without_crop", 3)]
    asked.clear()
    tools.confidence(task(), images)
    assert sorted(asked) == [("plain", 1), ("rand_augment", 2), ("standard", 4)]


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_classifier_trains_on_rand_augment(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The same seed with an empty store gives the same classifier, which differs from that of the standard views."""
    monkeypatch.setattr(batch_statistics, "_network", lambda name, size: tiny_network(nn.BatchNorm2d(6)))
    how = (f"classifier.backbone_mode={mode}", "classifier.image_size=8", "classifier.batch_size=8")
    weights = []
    for number, transform in enumerate(("rand_augment", "rand_augment", "standard")):
        monkeypatch.setenv("DIAGEN_STORE", f"store{number}")
        tools = fresh_tools(small("diagen", overrides=(*how, f"classifier.transform={transform}")))
        images = tools.generate(task(), plan())
        weights.append(train_classifier(task(), images, 0.5, tools).head.weight)
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_cached_rand_augment_views_differ_and_are_those_of_their_seeds(world: Any, small: Settings) -> None:
    tools = fresh_tools(small(overrides=("classifier.transform=rand_augment",)))
    pictures = real_pictures(task().dataset, task().train)
    views = tools.classifier_embedder.embed(pictures, tools.settings.classifier.transform, 8)
    for picture, features in zip(pictures, views, strict=True):
        seeds = [view_seed("rand_augment", picture.digest, number, 0) for number in range(8)]
        expected = embed_images(MeanColour(), [rand_augment_view(picture.load(), seed) for seed in seeds])
        np.testing.assert_allclose(features, expected, rtol=1e-6)
        assert len(np.unique(features, axis=0)) > 4


def test_each_task_trains_by_a_seed_of_its_own(world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def watched(train: Callable[..., Any], seeds: set[int]) -> Callable[..., Any]:
        return lambda *given: (seeds.add(given[-1]), train(*given))[1]

    of_heads, of_guides = set[int](), set[int]()
    monkeypatch.setattr(classifier, "train_head", watched(classifier.train_head, of_heads))
    guide_confidences = watched(guide_classifier.guide_confidences, of_guides)
    monkeypatch.setattr(guide_classifier, "guide_confidences", guide_confidences)
    for shots, seed in ((2, 0), (2, 1), (4, 0)):
        tools = fresh_tools(small("diagen"))
        images = tools.generate(task(shots, seed), plan())
        tools.confidence(task(shots, seed), images)
        train_classifier(task(shots, seed), images, 0.5, tools)
    assert (len(of_heads), len(of_guides)) == (3, 3)
