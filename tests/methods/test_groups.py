"""Groups of similar sizes."""

from __future__ import annotations

import pytest

from methods.groups import equal_groups, even_groups


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(0, 3, []), (3, 10, [3]), (10, 10, [10]), (11, 10, [6, 5]), (23, 10, [8, 8, 7]), (10, 3, [3, 3, 2, 2])],
)
def test_groups_are_few_and_even_and_lose_nothing(count: int, most: int, sizes: list[int]) -> None:
    groups = even_groups(range(count), most)
    assert [len(group) for group in groups] == sizes
    assert [item for group in groups for item in group] == list(range(count))


@pytest.mark.parametrize(
    ("count", "most", "size", "groups"), [(0, 3, 0, 0), (3, 10, 3, 1), (23, 10, 8, 3), (10, 3, 3, 4)]
)
def test_equal_groups_are_even_ones_filled_up(count: int, most: int, size: int, groups: int) -> None:
    equal = equal_groups(range(count), most)
    assert [len(group) for group in equal] == [size] * groups
    for filled, group in zip(equal, even_groups(range(count), most), strict=True):
        assert list(filled) == [*group, *[group[-1]] * (size - len(group))]
