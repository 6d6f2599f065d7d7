"""Thumbnails of a cell's images on one sheet for the report, with a table that says what each tile shows."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, Any

from benchmark.records import Record, columns
from datasets.few_shot import FewShotTask
from datasets.grouping import grouped
from methods.base import SyntheticImage, SyntheticSet

if TYPE_CHECKING:
    from PIL.Image import Image

SHEET, TABLE = "thumbnails.webp", "thumbnails"
"""Names under which a run logs them: the sheet as a file, and its table."""

TILE = 128
"""Largest side of a tile in pixels; smaller pictures are not enlarged."""

MOST = 1200
"""Maximum number of tiles on a sheet, so that a run with thousands of images still fits into a report."""

COLUMNS = ("tile", "kind", "class", "guide", "prompt", "noise_std", "strength", "guidance_scale", "weight")


def has_thumbnails(record: Record) -> bool:
    """Whether the run logged a sheet with a synthetic image on it."""
    return SHEET in record.files and "synthetic" in record.tables.get(TABLE, {}).get("kind", ())


def thumbnails(task: FewShotTask, synthetic: SyntheticSet) -> tuple[Image, dict[str, list[Any]]]:
    """The sheet of square tiles in rows, and its table with a row per tile, whose `kind` is `guide` or `synthetic`.

    Every guide is followed by its images. If not all of them fit, the first guide of every class is taken, then the
    second, and so on.
    """
    from PIL import Image as images

    by_guide = grouped(synthetic.images, lambda image: image.guide)
    tiles = [tile for guide in _fitting(task, by_guide) for tile in _tiles(task, guide, by_guide[guide])]
    side = max((max(picture.size) for picture, _ in tiles), default=1)
    across = max(1, ceil(len(tiles) ** 0.5))
    sheet = images.new("RGB", (across * side, max(1, ceil(len(tiles) / across)) * side), "white")
    for number, (tile, _) in enumerate(tiles):
        row, column = divmod(number, across)
        sheet.paste(tile, (column * side + (side - tile.width) // 2, row * side + (side - tile.height) // 2))
    return sheet, columns(COLUMNS, [(number, *facts) for number, (_, facts) in enumerate(tiles)])


def _fitting(task: FewShotTask, by_guide: dict[int, list[SyntheticImage]]) -> list[int]:
    """The guides that fit, sorted; they are chosen from the first shot of every class, then the second, and so on."""
    rank: dict[int, int] = {}
    seen: dict[int, int] = {}
    for guide, example in enumerate(task.train):
        rank[guide] = seen.get(example.label, 0)
        seen[example.label] = rank[guide] + 1
    chosen, total = [], 0
    for guide in sorted(by_guide, key=lambda guide: (rank[guide], guide)):
        total += 1 + len(by_guide[guide])
        if total > MOST:
            break
        chosen.append(guide)
    return sorted(chosen)


def _tiles(task: FewShotTask, guide: int, made: list[SyntheticImage]) -> Iterator[tuple[Image, tuple[Any, ...]]]:
    """Yield each tile with its values in the columns after the first."""
    example = task.train[guide]
    name = task.dataset.display_names[example.label]
    yield _small(task.image(example)), ("guide", name, example.identifier, "", None, None, None, None)
    for image in made:
        row = image.row
        facts = (row.prompt, row.noise_std, row.strength, row.guidance_scale, image.weight)
        yield _small(image.load()), ("synthetic", name, example.identifier, *facts)


def _small(image: Image) -> Image:
    small = image.copy()
    small.thumbnail((TILE, TILE))
    return small
