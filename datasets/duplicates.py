"""Images with the same content in more than one split (tested on although trained on) or in more than one class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from datasets.grouping import grouped
from datasets.split_checks import VALIDATION
from datasets.split_file import TRAIN, SplitImage

CONTENTS = 3
"""The maximum number of duplicated images that a line names: the first by path."""
PATHS = 4
"""The maximum number of paths that a line names for each of them."""

Key = Callable[[SplitImage], object]


def duplicates(images: Sequence[SplitImage]) -> list[str]:
    """One line about images in more than one split and one about images in more than one class, if there are any.

    Copies in the same class and the same split are harmless and not counted.
    """
    by_content = grouped(images, lambda image: image.sha256)
    keys = {"split": attrgetter("split"), "class": attrgetter("label")}
    return [line for what, key in keys.items() if (line := _line(what, key, by_content.values()))]


def _line(what: str, key: Key, groups: Iterable[Sequence[SplitImage]]) -> str:
    """The line about identical images whose `key` differs; empty if there are none."""
    shared = [group for group in groups if len({key(image) for image in group}) > 1]
    if not shared:
        return ""
    count = "1 image is" if len(shared) == 1 else f"{len(shared)} images are"
    named = ", ".join(sorted(_paths(group, key) for group in shared)[:CONTENTS])
    return f"{count} in more than one {what}, by content ({named}{' …' if len(shared) > CONTENTS else ''})"


def _paths(images: Sequence[SplitImage], key: Key) -> str:
    """The paths of identical images: one per split or class, then the others; test images first: they do the harm."""
    ordered = sorted(images, key=lambda image: (image.split in (TRAIN, VALIDATION), image.path))
    first: dict[object, SplitImage] = {}
    for image in ordered:
        first.setdefault(key(image), image)
    paths = [image.path for image in dict.fromkeys([*first.values(), *ordered])]
    return " = ".join([*paths[:PATHS], *(["…"] if len(paths) > PATHS else [])])
