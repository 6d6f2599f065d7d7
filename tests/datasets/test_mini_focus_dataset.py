"""mini_focus as a few-shot dataset: splits, digests, and how often its settings occur."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from datasets.base import DATASETS, Dataset
from datasets.few_shot import TRAIN_POOL_SIZE, few_shot_task
from datasets.mini_focus import COMMON
from datasets.mini_focus import dataset as drawn


def _dataset() -> Dataset:
    return DATASETS["mini_focus"]()


def test_splits_are_balanced_disjoint_and_drawn_from_the_right_settings() -> None:
    splits = _dataset().splits(seed=3)
    pool = [example for own in splits.train_pool for example in own]
    parts = {"train": pool, "validation": splits.validation, **splits.tests}
    identifiers = [example.identifier for part in parts.values() for example in part]
    assert len(identifiers) == len(set(identifiers))
    for name, part in parts.items():
        assert len(set(Counter(example.label for example in part).values())) == 1, name
    classes = _dataset().classes
    for example in [*pool, *splits.validation, *splits.tests["test"]]:
        assert example.attributes["location"] in COMMON[classes[example.label]]
        assert (example.attributes["weather"], example.attributes["time"]) == ("clear", "day")
    for example in splits.tests["uncommon"]:
        usual = example.attributes["location"] in COMMON[classes[example.label]]
        assert not (usual and example.attributes["weather"] == "clear" and example.attributes["time"] == "day")


def test_shots_are_nested_and_tests_do_not_know_the_seed() -> None:
    two, four = (few_shot_task("mini_focus", _dataset(), shots, seed=1) for shots in (2, 4))
    assert set(two.train) < set(four.train)
    other = few_shot_task("mini_focus", _dataset(), 4, seed=2)
    assert not set(four.train) & set(other.train)
    assert not set(four.validation) & set(other.validation)
    assert four.tests == other.tests
    assert len(four.train) == 4 * len(four.classes) <= TRAIN_POOL_SIZE * len(four.classes)


def test_the_same_example_is_the_same_picture_in_every_process() -> None:
    first, second = _dataset(), _dataset()
    example = first.splits(0).tests["uncommon"][7]
    second.splits(5)  # examples used before must not change anything
    second.splits(0)
    assert first.digest(example) == second.digest(example)
    assert np.array_equal(np.asarray(first.load(example)), np.asarray(second.load(example)))


def test_digests_tell_pictures_apart() -> None:
    dataset = _dataset()
    examples = dataset.splits(0).tests["test"]
    assert len({dataset.digest(example) for example in examples}) == len(examples)


def test_pictures_of_another_renderer_are_other_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _dataset()
    example = dataset.splits(0).validation[0]
    before = dataset.digest(example)
    monkeypatch.setattr(drawn, "RENDERER_VERSION", "another")
    assert dataset.digest(example) != before
