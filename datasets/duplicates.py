"""Images that lie in more than one split: what was trained on must not be tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Duplicates:
    """`contents`: how many distinct contents lie in more than one split; `pairs`: a few of them, by identifier."""

    contents: int
    pairs: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """One line for a warning."""
        images = "1 image lies" if self.contents == 1 else f"{self.contents} images lie"
        shown = ", ".join(f"{one} = {other}" for one, other in self.pairs)
        return f"{images} in more than one split, by content ({shown}{' …' if self.contents > len(self.pairs) else ''})"


def duplicates_across(splits: Mapping[str, Mapping[str, str]], shown: int = 3) -> Duplicates:
    """Contents that several splits share.

    Args:
        splits: per split, each image's identifier and its content's digest.
        shown: how many pairs to name, the first by identifier.
    """
    places: dict[str, dict[str, str]] = {}
    for split, digests in splits.items():
        for identifier, digest in digests.items():
            places.setdefault(digest, {}).setdefault(split, identifier)
    shared = [tuple(by_split.values()) for by_split in places.values() if len(by_split) > 1]
    pairs = sorted((found[0], found[1]) for found in shared)
    return Duplicates(len(shared), tuple(pairs[:shown]))
