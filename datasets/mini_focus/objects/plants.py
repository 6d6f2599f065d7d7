"""Trees and mushrooms."""

from __future__ import annotations

import math

from numpy.random import Generator

from datasets.mini_focus.canvas import Colour, Paint, Pen, Point, jitter

_BARK = (122, 82, 48)
_STEM = (238, 224, 196)


def draw_tree(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A tree whose leaves have the object's colour."""
    {"leafy": _leafy, "pine": _pine, "palm": _palm, "bare": _bare}[subtype](pen, paint, jitter(rng, _BARK, 18), rng)


def _leafy(pen: Pen, paint: Paint, bark: Colour, rng: Generator) -> None:
    pen.polygon([(-0.1, 0.1), (0.1, 0.1), (0.16, 1), (-0.16, 1)], bark)
    if rng.random() < 0.5:
        pen.stroke([(0.02, 0.45), (0.34, 0.1)], bark, 0.1)
        for centre, radius in (((-0.42, -0.12), 0.4), ((0.42, -0.12), 0.4), ((0, -0.5), 0.48)):
            pen.ellipse(centre, (radius, radius), paint.base)
        pen.ellipse((0, -0.18), (0.4, 0.3), paint.base, outlined=False)
    else:
        width = float(rng.uniform(0.5, 0.75))
        pen.smooth(
            [(0, -1.1), (width, -0.75), (width + 0.15, 0), (0, 0.5), (-width - 0.15, 0), (-width, -0.75)],
            paint.base,
        )
    pen.ellipse((-0.18, -0.52), (0.2, 0.16), paint.light, outlined=False)
    pen.ellipse((0.25, 0), (0.22, 0.13), paint.dark, outlined=False)


def _pine(pen: Pen, paint: Paint, bark: Colour, rng: Generator) -> None:
    pen.polygon([(-0.12, 0.5), (0.12, 0.5), (0.12, 1), (-0.12, 1)], bark)
    layers = 3 if rng.random() < 0.6 else 2
    for layer in reversed(range(layers)):
        top, share = -1 + layer * 1.15 / layers, (layer + 1) / layers
        half, bottom = 0.34 + 0.36 * share, -1 + 1.7 * share + (0 if layer == layers - 1 else 0.05)
        pen.polygon([(0, top), (half, bottom), (-half, bottom)], paint.base)
        pen.polygon(
            [(-0.02, top + 0.15), (-half * 0.75, bottom - 0.08), (-0.1, bottom - 0.08)],
            paint.light,
            outlined=False,
        )


def _palm(pen: Pen, paint: Paint, bark: Colour, rng: Generator) -> None:
    lean = float(rng.uniform(-0.3, 0.3))
    pen.polygon(
        [
            (lean - 0.07, -0.4),
            (lean + 0.08, -0.4),
            (lean * 0.4 + 0.12, 0.3),
            (0.15, 1),
            (-0.15, 1),
            (lean * 0.4 - 0.08, 0.3),
        ],
        bark,
    )
    for degrees in (150, 30, 195, -15, 235, 305):
        pen.smooth(_frond(lean, -0.45, math.radians(degrees)), paint.base)
    pen.ellipse((lean, -0.42), (0.11, 0.11), paint.dark)


def _bare(pen: Pen, paint: Paint, _bark: Colour, rng: Generator) -> None:
    reach = float(rng.uniform(0.6, 0.85))
    pen.stroke([(0, 0.9), (0, -0.2)], paint.base, 0.2)
    for side, height in ((-1, 0.3), (1, 0.1), (-1, -0.2), (1, -0.25)):
        tip = (side * reach * (0.7 + 0.3 * (height > 0)), height - 0.6)
        pen.stroke([(0, height), (tip[0] * 0.6, height - 0.25), tip], paint.base, 0.11)
        pen.stroke([(tip[0] * 0.6, height - 0.25), (tip[0] * 1.1, height - 0.25)], paint.base, 0.07)
    pen.polygon([(-0.1, 0.8), (0.1, 0.8), (0.24, 1), (-0.24, 1)], paint.dark)


def _frond(x: float, y: float, angle: float) -> list[Point]:
    """A leaf that leaves the crown at an angle (y points down) and droops at its tip."""
    along, down = math.cos(angle) * 0.8, math.sin(angle) * 0.5
    across = (-math.sin(angle) * 0.16, math.cos(angle) * 0.16)
    middle = (x + along * 0.55, y + down * 0.75)
    return [
        (x, y - 0.03), (middle[0] - across[0], middle[1] - across[1]), (x + along * 1.1, y + down + 0.2),
        (middle[0] + across[0], middle[1] + across[1]), (x, y + 0.03),
    ]  # fmt: skip


def draw_mushroom(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A mushroom with a cap in the object's colour, often spotted."""
    {"round": _round_cap, "flat": _flat_cap, "pointed": _pointed_cap, "funnel": _funnel}[subtype](pen, paint, rng)


def _stem(pen: Pen, rng: Generator) -> None:
    thick = float(rng.uniform(0.17, 0.3))
    pen.smooth(
        [(-thick, -0.3), (thick, -0.3), (thick, 0.6), (thick * 1.6, 1), (-thick * 1.6, 1), (-thick, 0.6)],
        _STEM,
    )
    if rng.random() < 0.4:
        pen.ellipse((0, 0.3), (thick * 1.5, 0.1), _STEM)


def _spots(pen: Pen, paint: Paint, rng: Generator, spots: list[tuple[float, float, float]]) -> None:
    if rng.random() < 0.65:
        for x, y, radius in spots:
            pen.ellipse((x, y), (radius, radius * 0.85), paint.light, outlined=False)


def _round_cap(pen: Pen, paint: Paint, rng: Generator) -> None:
    _stem(pen, rng)
    height = float(rng.uniform(0.8, 1.0))
    pen.ellipse((0, 0.05), (0.85, 0.17), _STEM)
    pen.ellipse((0, 0.05), (0.88, height), paint.base, part=(14, 29))
    _spots(pen, paint, rng, [(-0.42, -0.28, 0.16), (0.05, -0.5, 0.18), (0.45, -0.22, 0.14), (0, -0.12, 0.1)])


def _flat_cap(pen: Pen, paint: Paint, rng: Generator) -> None:
    _stem(pen, rng)
    height = float(rng.uniform(0.26, 0.42))
    pen.ellipse((0, -0.3), (0.98, height), paint.base)
    pen.ellipse((0, -0.3 + height * 0.45), (0.8, height * 0.4), _STEM, part=(0, 15), outlined=False)
    _spots(pen, paint, rng, [(-0.48, -0.36, 0.13), (0, -0.46, 0.15), (0.48, -0.34, 0.12)])


def _pointed_cap(pen: Pen, paint: Paint, rng: Generator) -> None:
    _stem(pen, rng)
    half = float(rng.uniform(0.58, 0.8))
    pen.smooth(
        [
            (0, -1.15),
            (0.14, -0.9),
            (half, 0),
            (half + 0.1, 0.22),
            (-half - 0.1, 0.22),
            (-half, 0),
            (-0.14, -0.9),
        ],
        paint.base,
    )
    _spots(pen, paint, rng, [(-0.25, -0.1, 0.13), (0.08, -0.42, 0.13), (0.32, -0.02, 0.12)])


def _funnel(pen: Pen, paint: Paint, rng: Generator) -> None:
    wide = float(rng.uniform(0.75, 0.95))
    pen.smooth([(-wide, -0.75), (wide, -0.75), (0.25, 0.2), (0.2, 1), (-0.2, 1), (-0.25, 0.2)], paint.base)
    for x in (-0.4, 0, 0.4):
        pen.stroke([(x * wide, -0.5), (x * 0.35, 0.4)], paint.dark, 0.06, outlined=False)
    pen.ellipse((0, -0.7), (wide, 0.22), paint.light)
    pen.ellipse((0, -0.66), (wide * 0.6, 0.11), paint.dark, outlined=False)
