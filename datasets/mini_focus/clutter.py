"""Small things scattered over the scene that have nothing to do with the object."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator
from PIL import Image

from datasets.mini_focus.canvas import BASE_COLOURS, Colour, Pen, darker, jitter, lighter

_COUNTS = (0.4, 0.4, 0.2)
"""Probabilities of none, one and two things."""
_SIZES = (0.05, 0.085)
_STONE: Colour = (132, 126, 122)
_WOOD: Colour = (158, 116, 72)
_LIGHT: Colour = (226, 230, 236)


def scatter(image: Image.Image, location: str, horizon: float, rng: Generator) -> None:
    """Put up to two of the location's things on the ground or, in space, anywhere."""
    top = 0.1 if location == "space" else horizon + 0.06
    for _ in range(int(rng.choice(len(_COUNTS), p=_COUNTS))):
        draw = _THINGS[location][int(rng.integers(len(_THINGS[location])))]
        centre = (float(rng.uniform(0.05, 0.95)), float(rng.uniform(top, 0.95)))
        half = float(rng.uniform(*_SIZES)) * image.width
        place = (centre[0] * image.width, centre[1] * image.height)
        degrees, line = float(rng.uniform(-15, 15)), max(1, image.width // 96)
        draw(Pen(image, place, (half, half), degrees, line, darker(_STONE, 0.6)), rng)


def _any_colour(rng: Generator) -> Colour:
    """Any of the objects' colours, so that colours in the clutter reveal nothing about the object."""
    colours = tuple(BASE_COLOURS.values())
    return jitter(rng, colours[int(rng.integers(len(colours)))], 20)


def _stone(pen: Pen, rng: Generator) -> None:
    colour = jitter(rng, _STONE, 24)
    pen.smooth([(-1, 0.6), (-0.7, -0.4), (0.2, -0.7), (0.9, 0), (1, 0.6)], colour)
    pen.smooth([(-0.6, -0.1), (-0.3, -0.4), (0.2, -0.5), (0.1, -0.1)], lighter(colour, 0.3), outlined=False)


def _box(pen: Pen, rng: Generator) -> None:
    colour = jitter(rng, _WOOD, 24)
    pen.polygon([(-0.9, -0.7), (0.9, -0.7), (0.9, 0.8), (-0.9, 0.8)], colour)
    pen.polygon([(-0.9, -0.1), (0.9, -0.1), (0.9, 0.2), (-0.9, 0.2)], darker(colour, 0.25), outlined=False)


def _ball(pen: Pen, rng: Generator) -> None:
    colour = _any_colour(rng)
    pen.ellipse((0, 0), (0.85, 0.85), colour)
    pen.ellipse((-0.25, -0.3), (0.3, 0.25), lighter(colour, 0.5), outlined=False)


def _flowers(pen: Pen, rng: Generator) -> None:
    colour = _any_colour(rng)
    for x, y in ((-0.7, 0.2), (0.1, -0.4), (0.7, 0.3)):
        pen.stroke([(x, y), (x, 0.9)], (60, 116, 56), 0.15, outlined=False)
        pen.ellipse((x, y), (0.34, 0.34), colour, outlined=False)


def _cone(pen: Pen, _rng: Generator) -> None:
    pen.polygon([(-0.7, 0.9), (-0.15, -0.9), (0.15, -0.9), (0.7, 0.9)], (236, 112, 44))
    pen.polygon([(-0.42, 0.2), (-0.25, -0.3), (0.25, -0.3), (0.42, 0.2)], _LIGHT, outlined=False)


def _buoy(pen: Pen, rng: Generator) -> None:
    pen.ellipse((0, 0.3), (0.75, 0.6), _any_colour(rng))
    pen.polygon([(-0.3, -0.1), (-0.12, -0.95), (0.12, -0.95), (0.3, -0.1)], _LIGHT)


def _heap(pen: Pen, rng: Generator) -> None:
    pen.smooth([(-1.3, 0.7), (-0.8, -0.3), (0.3, -0.5), (1.2, 0.7)], jitter(rng, (232, 238, 246), 10), outlined=False)


_THINGS: dict[str, tuple[Callable[[Pen, Generator], None], ...]] = {
    "grass": (_stone, _flowers, _ball, _box),
    "desert": (_stone, _box, _ball),
    "snow": (_heap, _stone, _box),
    "water": (_buoy, _stone, _ball),
    "street": (_cone, _box, _ball),
    "indoors": (_box, _ball, _cone),
    "space": (_stone, _stone, _ball),
}
