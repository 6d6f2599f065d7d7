"""Splits items into groups of similar size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")


def even_groups(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """The fewest groups of at most `most` items, in order; sizes differ by at most one, and larger groups come first.

    A network is compiled for each batch size that it meets; with these groups, for at most two.
    """
    count = -(-len(items) // most)
    size, larger = divmod(len(items), max(1, count))
    ends = [i * size + min(i, larger) for i in range(count + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


def equal_groups(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """Like `even_groups`, but all of the same size: a smaller group is filled up with its last item.

    For items that take less time than compiling for another batch size.
    """
    groups = even_groups(items, most)
    return [filled_up(group, len(groups[0])) for group in groups]


def filled_up(items: Sequence[Item], size: int) -> list[Item]:
    """The items, with the last one repeated until there are `size`."""
    return [*items, *[items[-1]] * (size - len(items))]
