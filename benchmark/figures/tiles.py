"""The pictures of a run, cut from its sheet of thumbnails."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.records import Record
from benchmark.thumbnails import SHEET, TABLE

if TYPE_CHECKING:
    from PIL.Image import Image

READ = ("tile", "kind", "class", "guide", "prompt", "noise_std", "weight")
"""Columns that are read from the sheet's table."""


@dataclass(frozen=True)
class Tile:
    """One picture with its row of the table."""

    picture: Image
    class_name: str
    guide: str
    prompt: str
    noise_std: float
    weight: float


@dataclass(frozen=True)
class GuideTiles:
    """A guide and the images that were made from it, in the order of the plan."""

    guide: Tile
    made: tuple[Tile, ...]


@dataclass(frozen=True)
class Row:
    """A guide of a cell, and some of the images made from it."""

    dataset: str
    cell: Record
    tiles: GuideTiles

    @property
    def note(self) -> str:
        return f"{self.dataset}, k = {self.cell.shots}, seed {self.cell.seed}."

    @property
    def facts(self) -> tuple[object, ...]:
        """Dataset, shots, seed, class and guide."""
        guide = self.tiles.guide
        return self.dataset, self.cell.shots, self.cell.seed, guide.class_name, guide.guide


def first_guides(record: Record) -> dict[str, GuideTiles]:
    """Class → its first guide, with the images made from it."""
    found: dict[str, GuideTiles] = {}
    for own in _guides(record):
        found.setdefault(own.guide.class_name, own)
    return found


def rows_of_several(
    records: Sequence[Record], dataset: str, choose: Callable[[Sequence[Tile]], Sequence[Tile]]
) -> list[Row]:
    """Each class's first guide with those of its images that `choose` returns, if these are several.

    They are from the run with the most shots, and among such runs from the one with the lowest seed.
    """
    record = min(records, key=lambda record: (-record.shots, record.seed), default=None)
    if record is None:
        return []
    chosen = (GuideTiles(own.guide, tuple(choose(own.made))) for own in first_guides(record).values())
    return [Row(dataset, record, own) for own in chosen if len(own.made) > 1]


def _guides(record: Record) -> list[GuideTiles]:
    from PIL import Image as images

    sheet = images.open(io.BytesIO(record.files[SHEET])).convert("RGB")
    table = record.tables[TABLE]
    side = sheet.width // math.ceil(math.sqrt(len(table["tile"])))
    rows = [{name: table[name][place] for name in READ} for place in range(len(table["tile"]))]
    found: list[tuple[Tile, list[Tile]]] = []
    for row in rows:
        tile = _tile(sheet, side, row)
        if row["kind"] == "guide":
            found.append((tile, []))
        elif found:
            found[-1][1].append(tile)
    return [GuideTiles(guide, tuple(made)) for guide, made in found]


def _tile(sheet: Image, side: int, row: dict[str, Any]) -> Tile:
    line, place = divmod(int(row["tile"]), sheet.width // side)
    picture = sheet.crop((place * side, line * side, (place + 1) * side, (line + 1) * side))
    noise, weight = (math.nan if row[name] is None else float(row[name]) for name in ("noise_std", "weight"))
    return Tile(picture, str(row["class"]), str(row["guide"]), str(row["prompt"]), noise, weight)
