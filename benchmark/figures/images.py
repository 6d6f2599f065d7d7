"""What the methods made of the same real images (the paper's Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.canvas import Canvas
from benchmark.figures.runs import labelled, plain_runs
from benchmark.figures.style import FIRST, WIDTH, fitted, readable, styles
from benchmark.figures.tiles import GuideTiles, first_guides
from benchmark.records import Record, columns
from benchmark.selection import PAPER, Group
from benchmark.short_labels import shared_note, short_labels
from benchmark.thumbnails import has_thumbnails
from datasets.grouping import grouped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMAND = "sweep --methods da_fusion,diagen"
CLASSES, METHODS, IMAGES = 4, 4, 8
REAL = 0.88
"""Width of the column of guides in inches."""
CHARACTER, LINE = 0.08, 0.15
"""Width and height in inches of a character in the methods' names."""
NARROWEST, WIDEST = 10, 20
"""Limits on the characters per line of the methods' names, which otherwise fits their longest word."""

NAMES = ("dataset", "shots", "seed", "class", "guide", "method", "place", "prompt", "noise_std", "weight")


@dataclass(frozen=True)
class Block:
    """One guide of a cell and, by method label, the images made from it."""

    name: str
    dataset: str
    cell: Record
    made: Mapping[str, GuideTiles]

    @property
    def guide(self) -> GuideTiles:
        return next(iter(self.made.values()))


def draw_images(groups: Sequence[Group]) -> Drawing:
    """For a few classes, a guide and a row of images for each method, of which there are at most `METHODS`.

    Raises:
        MissingRuns: no dataset has the pictures of two methods at the same shots and seed.
    """
    each = max(1, CLASSES // max(1, len(groups)))
    blocks = [block for group in groups for block in _blocks(group, group_name(group, groups))[:each]]
    if not blocks:
        raise MissingRuns("no two methods have pictures of the same real images", COMMAND, groups)
    cells = dict.fromkeys(f"{block.dataset}, k = {block.cell.shots}, seed {block.cell.seed}" for block in blocks)
    shared = shared_note(_labels(blocks))
    notes = (f"{'; '.join(cells)}.", *_reading(groups, blocks), *shared, *group_notes(groups))
    caption = "One real image of some classes, and the first images that each method made from it."
    return Drawing(_draw(blocks), caption, columns(NAMES, [row for block in blocks for row in _rows(block)]), notes)


def _reading(groups: Sequence[Group], blocks: Sequence[Block]) -> tuple[str, ...]:
    """A note on what the images in a column have in common, for the project's own methods.

    There is none for protocol `as_released`, where seeds depend on the weighting.
    """
    alike = {label for block in blocks for label in block.made} <= set(FIRST)
    alike &= {group.protocol for group in groups} == {PAPER}
    return ("The images of a column start from the same noise.",) if alike else ()


def _blocks(group: Group, name: str) -> list[Block]:
    """A block per class, from the cell with the most shots for which two methods have pictures."""
    cells = grouped(filter(has_thumbnails, plain_runs(group)), lambda record: (-record.shots, record.seed))
    for _, records in sorted(cells.items()):
        found = {label: own[0] for label, own in labelled(records).items()}
        guides = {label: first_guides(found[label]) for label in list(styles(found))[:METHODS]}
        if len(guides) > 1:
            blocks = [Block(c, name, records[0], _same_guide(guides, c)) for c in next(iter(guides.values()))]
            return [block for block in blocks if len(block.made) > 1]
    return []


def _same_guide(guides: Mapping[str, Mapping[str, GuideTiles]], class_name: str) -> dict[str, GuideTiles]:
    """Label → images of the class's guide, for the methods that show the same guide as the first method."""
    own = {label: found[class_name] for label, found in guides.items() if class_name in found}
    first = next(iter(own.values())).guide.guide
    return {label: tiles for label, tiles in own.items() if tiles.guide.guide == first}


def _rows(block: Block) -> list[tuple[object, ...]]:
    start = (block.dataset, block.cell.shots, block.cell.seed, block.name, block.guide.guide.guide)
    return [
        (*start, label, place, tile.prompt, tile.noise_std, tile.weight)
        for label, own in block.made.items()
        for place, tile in enumerate(own.made[:IMAGES], 1)
    ]


@dataclass(frozen=True)
class _Names:
    """Label → text beside its images; `width` is in inches, and so is `height`, that of the tallest text."""

    texts: Mapping[str, str]
    width: float

    @property
    def height(self) -> float:
        return LINE * max(text.count("\n") + 1 for text in self.texts.values())


def _labels(blocks: Sequence[Block]) -> list[str]:
    return list(dict.fromkeys(label for block in blocks for label in block.made))


def _names(labels: Sequence[str]) -> _Names:
    short = short_labels(labels)
    longest = max(len(word) for text in short.values() for word in text.split())
    across = min(max(longest, NARROWEST), WIDEST)
    return _Names(dict(zip(labels, fitted(list(short.values()), across), strict=True)), CHARACTER * across)


def _draw(blocks: Sequence[Block]) -> Figure:
    names = _names(_labels(blocks))
    side = (WIDTH - REAL - names.width) / IMAGES
    row = max(side, names.height)
    heights = [max(2 * side, row * len(block.made)) + 0.12 for block in blocks]
    canvas = Canvas(WIDTH, 0.22 + sum(heights))
    canvas.text(0, 0, "real")
    canvas.text(REAL + names.width, 0, "synthetic")
    several = len({block.dataset for block in blocks}) > 1
    top = 0.22
    for block, height in zip(blocks, heights, strict=True):
        canvas.picture(block.guide.guide.picture, 0, top, side)
        name = f"{block.name}, {block.dataset}" if several else block.name
        canvas.text(0, top + side + 0.03, readable(name, 11))
        for number, (label, own) in enumerate(block.made.items()):
            middle = top + (number + 0.5) * row
            canvas.text(REAL, middle, names.texts[label], va="center")
            _draw_row(canvas, own, REAL + names.width, middle - side / 2, side)
        top += height
    return canvas.figure


def _draw_row(canvas: Canvas, own: GuideTiles, left: float, top: float, side: float) -> None:
    for number, tile in enumerate(own.made[:IMAGES]):
        canvas.picture(tile.picture, left + number * side, top, side)
