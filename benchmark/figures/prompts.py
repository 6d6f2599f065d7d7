"""Images with the prompts that they were made with (the paper's Figure 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.canvas import Canvas
from benchmark.figures.runs import plain_runs
from benchmark.figures.style import WIDTH, readable
from benchmark.figures.tiles import Row, Tile, rows_of_several
from benchmark.records import Record, columns
from benchmark.selection import Group
from benchmark.thumbnails import TABLE, has_thumbnails
from datasets.grouping import grouped
from methods.plan import PLACEHOLDER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMAND = "run --method diagen"
CLASSES, IMAGES = 3, 5
CHARACTERS = 18
"""Maximum number of characters per line below an image."""

NAMES = ("dataset", "shots", "seed", "class", "guide", "prompt", "noise_std", "weight")


def draw_prompts(groups: Sequence[Group]) -> Drawing:
    """For a few classes, a guide and images of it with their prompts below.

    Raises:
        MissingRuns: no run has pictures of one guide with two prompts.
    """
    each = max(1, CLASSES // max(1, len(groups)))
    rows = [row for group in groups for row in _rows(group, group_name(group, groups))[:each]]
    if not rows:
        raise MissingRuns("no run has pictures of one real image with two prompts", COMMAND, groups)
    cells = dict.fromkeys(row.note for row in rows)
    notes = (*cells, "‹name› stands for the class's learned word.", *group_notes(groups))
    table = [(*row.facts, tile.prompt, tile.noise_std, tile.weight) for row in rows for tile in row.tiles.made]
    caption = "One real image of some classes, and images made from it, with their prompts."
    return Drawing(_draw(rows), caption, columns(NAMES, table), notes)


def _rows(group: Group, name: str) -> list[Row]:
    written = [record for record in plain_runs(group) if has_thumbnails(record) and _prompts(record) > 1]
    return rows_of_several(written, name, _first_of_each_prompt)


def _prompts(record: Record) -> int:
    return len(set(record.tables[TABLE]["prompt"]) - {"", None})


def _first_of_each_prompt(made: Sequence[Tile]) -> list[Tile]:
    return [own[0] for own in grouped(made, lambda tile: tile.prompt).values()][:IMAGES]


def _draw(rows: Sequence[Row]) -> Figure:
    side = WIDTH / (IMAGES + 1.1)
    words = [[_words(tile.prompt, tile.class_name) for tile in row.tiles.made] for row in rows]
    heights = [side + 0.2 + 0.135 * max(text.count("\n") + 1 for text in texts) for texts in words]
    canvas = Canvas(WIDTH, sum(heights))
    top = 0.0
    for row, texts, height in zip(rows, words, heights, strict=True):
        canvas.picture(row.tiles.guide.picture, 0, top, side)
        canvas.text(0, top + side, readable(f"real {row.tiles.guide.class_name}", CHARACTERS), fontsize=8)
        for place, (tile, text) in enumerate(zip(row.tiles.made, texts, strict=True)):
            left = side * (1.1 + place)
            canvas.picture(tile.picture, left, top, side)
            canvas.text(left, top + side, text, fontsize=8)
        top += height
    return canvas.figure


def _words(prompt: str, class_name: str) -> str:
    return readable(prompt.replace(PLACEHOLDER, f"‹{class_name}›"), CHARACTERS)
