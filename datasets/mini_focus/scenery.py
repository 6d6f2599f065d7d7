"""Pieces that backdrops are made of: gradients, ridges, bushes, buildings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from PIL import Image

from datasets.mini_focus.canvas import Colour, Pen, Point, jitter, lighter


def gradient(size: int, bands: Sequence[tuple[float, float, Colour, Colour]]) -> Image.Image:
    """Stack vertical gradients, each from one height to another (0 is the top, 1 the bottom)."""
    column = np.empty((size, 3), dtype=np.uint8)
    for top, bottom, first, last in bands:
        start, stop = round(top * size), round(bottom * size)
        share = np.linspace(0, 1, max(stop - start, 1))[: stop - start, None]
        column[start:stop] = np.asarray(first) * (1 - share) + np.asarray(last) * share
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(column[:, None], (size, size, 3))))


def cloud(pen: Pen, x: float, y: float, width: float) -> None:
    """A flat white cloud of three puffs."""
    for shift, radius in ((-0.9, 0.6), (0.9, 0.55), (0, 0.9)):
        pen.ellipse((x + shift * width, y), (radius * width * 1.2, radius * width * 0.55), (242, 244, 248))


def hills(pen: Pen, rng: Generator, base: float, height: float, colour: Colour) -> None:
    """A smooth ridge along the whole width."""
    phase, waves = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.7, 1.6))
    ridge = [(s / 12, base - height * (0.5 + 0.5 * math.sin(phase + waves * s / 2))) for s in range(13)]
    pen.polygon([*ridge, (1, base + 0.01), (0, base + 0.01)], colour)


def side_place(rng: Generator) -> float:
    """A horizontal place near the left or right edge, where the object hides little of what is drawn there."""
    place = float(rng.uniform(0.04, 0.2))
    return place if rng.random() < 0.5 else 1 - place


def bush(pen: Pen, x: float, y: float, width: float, colour: Colour) -> None:
    """A bush of three ellipses; `y` is the height of its middle."""
    for shift, radius in ((-0.7, 0.7), (0.7, 0.65), (0, 1.0)):
        pen.ellipse((x + shift * width, y), (radius * width, radius * width * 0.8), colour)


def cactus(pen: Pen, x: float, foot: float) -> None:
    """A cactus with two arms."""
    colour = (70, 132, 84)
    pen.stroke([(x, foot), (x, foot - 0.3)], colour, 0.06)
    pen.stroke([(x, foot - 0.12), (x + 0.09, foot - 0.12), (x + 0.09, foot - 0.22)], colour, 0.04)
    pen.stroke([(x, foot - 0.08), (x - 0.08, foot - 0.08), (x - 0.08, foot - 0.18)], colour, 0.04)


def fir(pen: Pen, x: float, foot: float) -> None:
    """A small fir in the distance."""
    for top in (0.16, 0.28):
        pen.polygon([(x - 0.1, foot - top + 0.16), (x, foot - top), (x + 0.1, foot - top + 0.16)], (92, 126, 124))


def skyline(pen: Pen, rng: Generator, horizon: float) -> None:
    """A row of houses across the whole frame, each with one wide window."""
    left = float(rng.uniform(-0.15, 0))
    while left < 1:
        width, height = float(rng.uniform(0.2, 0.34)), float(rng.uniform(0.14, 0.38))
        colour = jitter(rng, (158, 140, 144), 30)
        corners: list[Point] = [(left, horizon - height), (left + width, horizon - height)]
        pen.polygon([*corners, (left + width, horizon), (left, horizon)], colour)
        x, y = left + width * 0.28, horizon - height + 0.05
        pen.polygon([(x, y), (x + 0.09, y), (x + 0.09, y + 0.07), (x, y + 0.07)], lighter(colour, 0.45))
        left += width


def planet(pen: Pen, rng: Generator, x: float) -> None:
    """A planet with a lit side."""
    colour, y = jitter(rng, (190, 130, 100), 50), float(rng.uniform(0.1, 0.3))
    pen.ellipse((x, y), (0.15, 0.15), colour)
    pen.ellipse((x - 0.03, y - 0.03), (0.1, 0.1), lighter(colour, 0.25))
