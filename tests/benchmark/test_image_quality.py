"""Measures of synthetic images: which sets of features each one uses, and which distances are cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.embedding import real_pictures, synthetic_pictures
from benchmark.image_quality import ImageQuality, image_quality
from benchmark.tools import LocalTools
from datasets.base import Example
from evaluation.arrays import Singles
from evaluation.density_coverage import density_coverage
from evaluation.near_copies import near_copy_share, nearest_distance
from evaluation.precision_recall import precision_recall
from methods.base import SyntheticImage, SyntheticSet
from tests.benchmark.squares import Settings, fresh_tools, plan, task


def tinted_copies(folder: Path) -> SyntheticSet:
    """Copies of the training images, each with a little more noise than the one before."""
    images = []
    for i, row in enumerate(plan(24).rows):
        example = task().train[i % 6]
        pixels = np.asarray(task().image(example), float) + np.random.default_rng(i).normal(0, i, 3)
        path = folder / f"{i:064x}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        images.append(SyntheticImage(replace(row, guide=i % 6, label=example.label), path))
    return SyntheticSet(tuple(images))


def real_features(tools: LocalTools, *parts: Sequence[Example]) -> Singles:
    """Features of the examples of all parts."""
    return tools.feature_embedder.embed(real_pictures(task().dataset, list(chain(*parts))))[:, 0]


def synthetic_features(tools: LocalTools, synthetic: SyntheticSet) -> Singles:
    return tools.feature_embedder.embed(synthetic_pictures(synthetic.images))[:, 0]


def test_the_measures_are_those_of_the_images_against_all_test_images(world: Any, small: Settings) -> None:
    tools = fresh_tools(small("diagen"))
    images = tools.generate(task(), plan(12))
    found = image_quality(task(), images, tools).metrics
    real, made = real_features(tools, *task().tests.values()), synthetic_features(tools, images)
    pooled, density = precision_recall(real, made, 3), density_coverage(real, made, 5)
    assert (found["precision/pooled"], found["recall/pooled"]) == (pooled.precision, pooled.recall)
    assert (found["density/pooled"], found["coverage/pooled"]) == (density.density, density.coverage)


def test_a_line_for_each_class_has_its_own_figures_and_none_where_they_are_not_defined(
    world: Any, small: Settings, tmp_path: Path
) -> None:
    """A class without synthetic images has no recall; one with too few real images has no values at all."""
    tools, every = fresh_tools(small("diagen")), tinted_copies(tmp_path)
    images = SyntheticSet(tuple(image for image in every.images if image.label != 1))
    tests = {name: tuple(e for e in part if e.label != 2 or e in part[-1:]) for name, part in task().tests.items()}
    found = image_quality(replace(task(), tests=tests), images, tools)
    apples = [example for part in tests.values() for example in part if example.label == 0]
    made = synthetic_features(tools, SyntheticSet(tuple(image for image in images.images if image.label == 0)))
    own, dense = (
        measure(real_features(tools, apples), made, k) for measure, k in ((precision_recall, 3), (density_coverage, 5))
    )
    assert found.by_class == {
        "class": ["apple", "leaf", "plum"],
        "images": [8, 0, 8],
        "precision": [own.precision, None, None],
        "recall": [own.recall, None, None],
        "density": [dense.density, None, None],
        "coverage": [dense.coverage, None, None],
    }
    assert "precision/class_mean" not in found.metrics and "precision/pooled" in found.metrics


def test_the_real_set_may_be_of_test_alone(world: Any, small: Settings, tmp_path: Path) -> None:
    tools, images = fresh_tools(small("diagen", overrides=("features.real_set=test",))), tinted_copies(tmp_path)
    found, of_all = (image_quality(task(), images, own).metrics for own in (tools, fresh_tools(small("diagen"))))
    real, made = real_features(tools, task().tests["test"]), synthetic_features(tools, images)
    assert found["precision/pooled"] == precision_recall(real, made, 3).precision
    assert found["density/pooled"] == density_coverage(real, made, 5).density != of_all["density/pooled"]
    assert found["near_copies/pooled"] == of_all["near_copies/pooled"]


def test_of_one_test_set_both_real_sets_are_the_same(world: Any, small: Settings, tmp_path: Path) -> None:
    images, one = tinted_copies(tmp_path), replace(task(), tests={"fog": task().tests["test"]})
    alone, of_all = (
        image_quality(one, images, fresh_tools(small("diagen", overrides=(f"features.real_set={real_set}",))))
        for real_set in ("test", "all_tests")
    )
    assert alone == of_all


@pytest.mark.parametrize(
    ("sets", "held_out"),
    [(("test", "uncommon"), ("test",)), (("uncommon",), ("uncommon",)), (("fog", "rain"), ("fog", "rain"))],
)
def test_near_copies_are_nearer_to_training_images_than_images_of_test_or_of_all_sets_where_none_is_called_so(
    world: Any, small: Settings, tmp_path: Path, sets: tuple[str, ...], held_out: tuple[str, ...]
) -> None:
    """The second set holds the training images, at distance 0, which shows whether it is used as a reference."""
    tools, images = fresh_tools(small("diagen")), tinted_copies(tmp_path)
    own = replace(task(), tests=dict(zip(sets, (task().tests["test"], task().train), strict=False)))
    train, made = real_features(tools, own.train), synthetic_features(tools, images)
    reference = nearest_distance(real_features(tools, *(own.tests[name] for name in held_out)), train)
    expected = near_copy_share(nearest_distance(made, train), reference)
    assert 0 < expected < 1
    assert image_quality(own, images, tools).metrics["near_copies/pooled"] == expected


def test_kept_distances_are_those_of_the_settings(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = fresh_tools(small("diagen")).generate(task(), plan())

    def measured(*overrides: str) -> ImageQuality:
        return image_quality(task(), images, fresh_tools(small("diagen", overrides=overrides)))

    cases = [(), ("features.neighbours=2",), ("features.density_neighbours=1",), ("features.real_set=test",)]
    beside_each_other = [measured(*case) for case in cases]
    for number, case in enumerate(cases):
        monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / f"alone {number}"))
        assert measured(*case) == beside_each_other[number]


def test_kept_distances_are_those_of_the_labels(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A protocol that corrects fewer labels gives the same images other labels."""
    images = tinted_copies(tmp_path)
    tests = {
        name: tuple(replace(example, label=i % 3) for i, example in enumerate(part))
        for name, part in task().tests.items()
    }
    relabelled = replace(task(), tests=tests)
    image_quality(task(), images, fresh_tools(small("diagen")))
    beside = image_quality(relabelled, images, fresh_tools(small("diagen")))
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "alone"))
    assert image_quality(relabelled, images, fresh_tools(small("diagen"))) == beside
