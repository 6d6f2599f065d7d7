"""Where DIAGen's published code differs from its paper in planning images (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Sequence


def one_counter(count: int, prompts: int, words: int) -> tuple[int, int]:
    """Choose prompt and word of a class's `count`-th row by one counter: only lcm(prompts, words) pairs occur."""
    return count % prompts, count % words


def words_by_substring(nouns: Sequence[str], levels: Sequence[float]) -> list[list[tuple[int, int]]]:
    """For each class, the words that its images rotate over, as (label, index of the level).

    The published code takes every learned word whose name contains the class's name, so "car" also gets the words of
    "carrot". Clean words come before noisy ones, as in its files of words.
    """
    clean = [i for i, level in enumerate(levels) if level == 0]
    noisy = [i for i, level in enumerate(levels) if level != 0]
    found = []
    for noun in nouns:
        labels = [label for label, other in enumerate(nouns) if noun in other]
        found.append([(label, i) for part in (clean, noisy) for label in labels for i in part])
    return found
