"""Groups of alike sizes."""

from __future__ import annotations

import pytest

from methods.groups import even_groups


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(0, 3, []), (3, 10, [3]), (10, 10, [10]), (11, 10, [6, 5]), (23, 10, [8, 8, 7]), (10, 3, [3, 3, 2, 2])],
)
def test_groups_are_few_and_even_and_lose_nothing(count: int, most: int, sizes: list[int]) -> None:
    groups = even_groups(range(count), most)
    assert [len(group) for group in groups] == sizes
    assert [item for group in groups for item in group] == list(range(count))
