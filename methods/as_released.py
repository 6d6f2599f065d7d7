"""What DIAGen's published code does otherwise than its paper when images are planned (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Sequence


def one_counter(count: int, prompts: int, words: int) -> tuple[int, int]:
    """Prompt and word of a class's `count`-th row by one counter: lcm(prompts, words) of the pairs occur."""
    return count % prompts, count % words


def words_by_substring(nouns: Sequence[str], levels: Sequence[float]) -> list[list[tuple[int, int]]]:
    """For each class the words that its images rotate over, as (label, index of the level).

    The code takes every learned word whose name contains the class's: "car" is given those of "carrot" too. Clean
    words stand before noisy ones, as they do in its files of words.
    """
    clean = [i for i, level in enumerate(levels) if level == 0]
    noisy = [i for i, level in enumerate(levels) if level != 0]
    found = []
    for noun in nouns:
        labels = [label for label, other in enumerate(nouns) if noun in other]
        found.append([(label, i) for part in (clean, noisy) for label in labels for i in part])
    return found
