"""Measures of synthetic images: of which sets of features each is taken, and which distances are kept for the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.embedding import real_pictures, synthetic_pictures
from benchmark.image_quality import image_quality
from benchmark.tools import LocalTools
from evaluation.arrays import Singles
from evaluation.density_coverage import density_coverage
from evaluation.near_copies import near_copy_share, nearest_distance
from evaluation.neighbours import neighbour_radii
from evaluation.precision_recall import precision_recall
from methods.base import SyntheticImage, SyntheticSet
from tests.benchmark.squares import Settings, fresh_tools, plan, task


def tinted_copies(folder: Path) -> SyntheticSet:
    """Of the training images, each a little further from its own."""
    images = []
    for i, row in enumerate(plan(24).rows):
        example = task().train[i % 6]
        pixels = np.asarray(task().image(example), float) + np.random.default_rng(i).normal(0, i, 3)
        path = folder / f"{i:064x}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        images.append(SyntheticImage(replace(row, guide=i % 6, label=example.label), path))
    return SyntheticSet(tuple(images))


def features(synthetic: SyntheticSet, tools: LocalTools) -> tuple[Singles, Singles, Singles]:
    """Of all test images, of the training images and of the synthetic ones."""
    tests = [example for name in sorted(task().tests) for example in task().tests[name]]
    pictures = [real_pictures(task().dataset, part) for part in (tests, task().train)]
    real, train, made = (
        tools.feature_embedder.embed(part)[:, 0] for part in (*pictures, synthetic_pictures(synthetic.images))
    )
    return real, train, made


def test_the_measures_are_those_of_the_images_against_all_test_images(world: Any, small: Settings) -> None:
    tools = fresh_tools(small("diagen"))
    images = tools.generate(task(), plan(12))
    found = image_quality(task(), images, tools)
    real, _, made = features(images, tools)
    pooled, density = precision_recall(real, made, 3), density_coverage(real, made, 5)
    assert (found["precision/pooled"], found["recall/pooled"]) == (pooled.precision, pooled.recall)
    assert (found["density/pooled"], found["coverage/pooled"]) == (density.density, density.coverage)


def test_near_copies_are_of_training_images_as_near_as_neighbours_among_test_images(
    world: Any, small: Settings, tmp_path: Path
) -> None:
    tools, images = fresh_tools(small("diagen")), tinted_copies(tmp_path)
    real, train, made = features(images, tools)
    expected = near_copy_share(nearest_distance(made, train), neighbour_radii(real, 1))
    assert 0 < expected < 1
    assert image_quality(task(), images, tools)["near_copies/pooled"] == expected


def test_kept_distances_are_those_of_the_settings(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = fresh_tools(small("diagen")).generate(task(), plan())

    def measured(*overrides: str) -> dict[str, float]:
        return image_quality(task(), images, fresh_tools(small("diagen", overrides=overrides)))

    cases = [(), ("features.neighbours=2",), ("features.density_neighbours=1",)]
    beside_each_other = [measured(*case) for case in cases]
    for number, case in enumerate(cases):
        monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / f"alone {number}"))
        assert measured(*case) == beside_each_other[number]


def test_kept_distances_are_those_of_the_labels(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a protocol that corrects fewer labels has others of the same images."""
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
