"""Synthetic images of one real image at each deviation σ of the embedding noise (the paper's Figure 9)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.canvas import Canvas
from benchmark.figures.style import WIDTH, readable
from benchmark.figures.tiles import Row, Tile, rows_of_several
from benchmark.records import Record, columns
from benchmark.run_command import command_for
from benchmark.selection import Group
from benchmark.thumbnails import TABLE, has_thumbnails
from datasets.grouping import grouped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMAND = "run --method diagen --components noise"
CLASSES, LEVELS = 3, 8
LINE = 0.3
"""Inches between the pictures of two rows."""

NAMES = ("dataset", "shots", "seed", "class", "guide", "noise_std", "prompt", "weight")


def draw_noise(groups: Sequence[Group]) -> Drawing:
    """For a few classes, a guide and one image of it at each σ, from runs without written prompts if there are any.

    Raises:
        MissingRuns: no run has pictures of one guide at two levels of noise.
    """
    each = max(1, CLASSES // max(1, len(groups)))
    of_groups = [(group, _rows(group, group_name(group, groups))[:each]) for group in groups]
    rows = [row for _, own in of_groups for row in own]
    if not rows:
        raise MissingRuns("no run has pictures of one real image at two levels of noise", COMMAND, groups)
    differing = [group for group, own in of_groups if len({t.prompt for row in own for t in row.tiles.made}) > 1]
    notes = [row.note for row in rows]
    if differing:
        notes.append(
            f"The prompts differ as well; `{command_for(differing, COMMAND)}` makes images with the same prompt."
        )
    table = [(*row.facts, tile.noise_std, tile.prompt, tile.weight) for row in rows for tile in row.tiles.made]
    caption = (
        "One real image of some classes, and an image made from it at each standard deviation σ of the noise on its "
        "word; each image starts from noise of its own."
    )
    return Drawing(_draw(rows), caption, columns(NAMES, table), (*dict.fromkeys(notes), *group_notes(groups)))


def _rows(group: Group, name: str) -> list[Row]:
    noisy = [record for record in group.records if has_thumbnails(record) and _levels(record) > 1]
    alone = [record for record in noisy if record.tags.get("components") == "noise"]
    return rows_of_several(alone or noisy, name, _first_of_each_level)


def _levels(record: Record) -> int:
    levels = record.tables[TABLE]["noise_std"]
    return len({level for level in levels if level is not None and not math.isnan(level)})


def _first_of_each_level(made: Sequence[Tile]) -> list[Tile]:
    """For each σ, the first image that was made with it."""
    by_level = grouped((tile for tile in made if not math.isnan(tile.noise_std)), lambda tile: tile.noise_std)
    return [own[0] for _, own in sorted(by_level.items())[:LEVELS]]


def _draw(rows: Sequence[Row]) -> Figure:
    across = max(len(row.tiles.made) for row in rows)
    side = min(1.15, WIDTH / (across + 1.1))
    canvas = Canvas(side * (across + 1.1), sum(side + LINE for _ in rows))
    for number, row in enumerate(rows):
        top = number * (side + LINE)
        canvas.text(0, top, readable(row.tiles.guide.class_name, 16))
        canvas.picture(row.tiles.guide.picture, 0, top + 0.2, side)
        for place, tile in enumerate(row.tiles.made):
            left = side * (1.1 + place)
            canvas.text(left, top, f"σ = {tile.noise_std:g}")
            canvas.picture(tile.picture, left, top + 0.2, side)
    return canvas.figure
