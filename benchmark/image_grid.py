"""The image grid: each guide beside the images made from it, with the prompts underneath."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from datasets.few_shot import FewShotTask
from methods.base import SyntheticImage, SyntheticSet
from methods.plan import PLACEHOLDER

CLASSES, COLUMNS = 6, 6
TILE, GAP, CAPTION_LINES, LINE = 176, 14, 3, 15
PAPER, INK, FAINT, ACCENT = "#fbfaf7", "#22252b", "#7b7f87", "#c8553d"


def image_grid(task: FewShotTask, synthetic: SyntheticSet) -> Image.Image:
    """A figure with one row for each of up to six classes: a guide, then up to six synthetic images made from it.

    Below the guide is the class's display name. Below each synthetic image are its prompt, with the class noun in place
    of the learned word, the standard deviation of the noise on the word if not 0, and its weight if not 1.
    """
    lines = [_of_first_guide(synthetic, label)[:COLUMNS] for label in _spread(len(task.classes), CLASSES)]
    lines = [line for line in lines if line]
    width = GAP + (TILE + GAP) * (COLUMNS + 1) + GAP
    row_height = TILE + CAPTION_LINES * LINE + GAP + 6
    figure = Image.new("RGB", (width, 2 * GAP + LINE + row_height * len(lines) + GAP), PAPER)
    draw = ImageDraw.Draw(figure)
    draw.text((GAP, GAP), "real image", fill=ACCENT, font=_font(14))
    draw.text((3 * GAP + TILE, GAP), "made from it", fill=FAINT, font=_font(14))
    for number, images in enumerate(lines):
        _draw_line(figure, draw, task, images, 2 * GAP + LINE + number * row_height)
    return figure


def _of_first_guide(synthetic: SyntheticSet, label: int) -> list[SyntheticImage]:
    """The images made from the class's first guide; empty if the class has no images."""
    own = [image for image in synthetic.images if image.label == label]
    first = min((image.guide for image in own), default=None)
    return [image for image in own if image.guide == first]


def _spread(total: int, wanted: int) -> list[int]:
    """Up to `wanted` of `total` labels, evenly spread."""
    count = min(total, wanted)
    return [number * total // count for number in range(count)]


def _draw_line(
    figure: Image.Image,
    draw: ImageDraw.ImageDraw,
    task: FewShotTask,
    images: Sequence[SyntheticImage],
    top: int,
) -> None:
    example = task.train[images[0].guide]
    noun = task.classes[example.label]
    figure.paste(_tile(task.image(example)), (GAP, top))
    draw.rectangle((GAP - 3, top - 3, GAP + TILE + 2, top + TILE + 2), outline=ACCENT, width=3)
    name = "\n".join(textwrap.wrap(task.dataset.display_names[example.label], 19, max_lines=2, placeholder=" …"))
    draw.text((GAP, top + TILE + 6), name, fill=ACCENT, font=_font(15))
    for number, image in enumerate(images):
        left = 3 * GAP + TILE + number * (TILE + GAP)
        figure.paste(_tile(image.load()), (left, top))
        _caption(draw, image, noun, (left, top + TILE + 6))


def _caption(draw: ImageDraw.ImageDraw, image: SyntheticImage, noun: str, place: tuple[int, int]) -> None:
    prompt = image.row.prompt.replace(PLACEHOLDER, noun)
    note = f"noise {image.row.noise_std:g}" if image.row.noise_std else ""
    note += f"{'  ' if note else ''}weight {image.weight:.2f}" if image.weight != 1.0 else ""
    lines = textwrap.wrap(prompt, 25, max_lines=CAPTION_LINES - bool(note), placeholder=" …")
    for number, text in enumerate([*lines, note]):
        colour = FAINT if number == len(lines) else INK
        draw.text((place[0], place[1] + number * LINE), text, fill=colour, font=_font(12))


def _tile(image: Image.Image) -> Image.Image:
    """The image's centre square, resized to the tile."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side))
    return square.resize((TILE, TILE), Image.Resampling.LANCZOS)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: Pillow's own font has only the letters of English."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
