"""How a class is shuffled: the same for everybody who has the same files."""

from __future__ import annotations

import random

from datasets.base import Example
from datasets.few_shot import split_pool


def drawn(form: str) -> list[int]:
    """The numbers of a class's files, named by `form` and found in any order, as they are drawn."""
    numbers = {form.format(number): number for number in range(1, 13)}
    pool, rest = split_pool([Example(name, 0) for name in random.Random(0).sample(sorted(numbers), 12)], seed=5)
    return [numbers[example.identifier] for example in (*pool, *rest)]


def test_numbers_are_shuffled_from_their_natural_order_however_they_are_written() -> None:
    assert drawn("cup ({}).jpg") == drawn("cup ({:02}).jpg")
    assert sorted(drawn("cup ({}).jpg")) == list(range(1, 13)) != drawn("cup ({}).jpg")
