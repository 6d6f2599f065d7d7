"""How a class is shuffled: the same way for everyone who has the same files."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest

from datasets.base import Example
from datasets.few_shot import class_permutation, natural_key, split_pool


def drawn(form: str) -> list[int]:
    """The numbers of a class's files in the order drawn; files are named by `form` and listed in random order."""
    numbers = {form.format(number): number for number in range(1, 13)}
    found = random.Random(0).sample(sorted(numbers), 12)
    pool, rest = split_pool("cup", [Example(name, 0) for name in found], seed=5)
    return [numbers[example.identifier] for example in (*pool, *rest)]


def test_numbers_are_shuffled_from_their_natural_order_however_they_are_written() -> None:
    assert drawn("cup ({}).jpg") == drawn("cup ({:02}).jpg")
    assert sorted(drawn("cup ({}).jpg")) == list(range(1, 13)) != drawn("cup ({}).jpg")


def test_natural_order_has_numbers_by_their_size_before_letters() -> None:
    """A superscript 2 is not part of a number."""
    ordered = ["1²3.jpg", "9.jpg", "10.jpg", "a.jpg", "cup 9.jpg", "cup 10.jpg", "cup.jpg"]
    found = random.Random(0).sample(ordered, len(ordered))
    assert sorted(found, key=natural_key) == ordered


def test_classes_of_equal_size_are_shuffled_independently() -> None:
    """Otherwise all classes of FOCUS, whose images are sorted by setting, would be learned in the same settings."""
    pools = {name: class_permutation(name, 108, seed=5)[:8] for name in "abcdefghijklmnopqrst"}
    shared = [len({*pools[one]} & {*pools[other]}) for one, other in combinations(pools, 2)]
    assert np.mean(shared) == pytest.approx(8 * 8 / 108, abs=0.15)


def test_every_image_is_as_often_drawn_as_any_other() -> None:
    first = [int(class_permutation("cup", 10, seed)[0]) for seed in range(2000)]
    assert np.bincount(first, minlength=10) == pytest.approx(200, abs=50)
