"""Mugs, buckets and umbrellas."""

from __future__ import annotations

import math
from itertools import pairwise

from numpy.random import Generator

from datasets.mini_focus.canvas import Paint, Pen, Point

_DRINK = (104, 62, 34)
_FOAM = (252, 246, 228)
_STICK = (112, 82, 58)
_STEEL = (168, 174, 184)


def _loop(centre: Point, radii: Point, start: int, stop: int) -> list[Point]:
    """Points on an ellipse between two angles in degrees (0 is right, 90 is down)."""
    angles = (math.radians(start + (stop - start) * step / 10) for step in range(11))
    return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]


def draw_mug(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A mug with its handle to the right, seen a little from above."""
    {"coffee": _coffee, "beer": _beer, "tea": _tea, "travel": _travel}[subtype](pen, paint, rng)


def _coffee(pen: Pen, paint: Paint, rng: Generator) -> None:
    bottom = float(rng.uniform(0.42, 0.66))
    pen.stroke(_loop((0.45, 0.05), (0.42, 0.4), -80, 80), paint.base, 0.15)
    pen.polygon([(-0.7, -0.6), (0.55, -0.6), (bottom - 0.08, 0.85), (-bottom - 0.08, 0.85)], paint.base)
    pen.ellipse((-0.075, -0.6), (0.63, 0.18), paint.light)
    pen.ellipse((-0.075, -0.56), (0.5, 0.11), _DRINK, outlined=False)
    if rng.random() < 0.4:
        pen.polygon([(-0.6, 0), (0.45, 0), (0.44, 0.25), (-0.59, 0.25)], paint.accent, outlined=False)
    elif rng.random() < 0.5:
        pen.ellipse((-0.08, 0.15), (0.24, 0.24), paint.accent, outlined=False)


def _beer(pen: Pen, paint: Paint, rng: Generator) -> None:
    handle = [(0.45, -0.35), (0.9, -0.3), (0.9, 0.5), (0.45, 0.55)]
    pen.stroke(handle, paint.dark, 0.15)
    pen.polygon([(-0.68, -0.6), (0.5, -0.6), (0.5, 0.92), (-0.68, 0.92)], paint.base)
    for left in (-0.5, -0.18, 0.14):
        pen.polygon([(left, -0.2), (left + 0.18, -0.2), (left + 0.18, 0.7), (left, 0.7)], paint.light, outlined=False)
    if rng.random() < 0.7:
        for x in (-0.5, 0.3, -0.1):
            pen.ellipse((x, -0.62), (0.32, 0.26), _FOAM)
        pen.polygon([(-0.6, -0.62), (0.42, -0.62), (0.42, -0.46), (-0.6, -0.46)], _FOAM, outlined=False)


def _tea(pen: Pen, paint: Paint, rng: Generator) -> None:
    pen.stroke(_loop((0.6, 0.0), (0.34, 0.28), -90, 95), paint.base, 0.12)
    if rng.random() < 0.6:
        pen.ellipse((-0.05, 0.68), (0.92, 0.15), paint.accent)
    pen.ellipse((-0.08, -0.3), (0.78, 0.98), paint.base, part=(0, 15))
    pen.ellipse((-0.08, -0.3), (0.78, 0.2), paint.light)
    pen.ellipse((-0.08, -0.27), (0.64, 0.12), _DRINK, outlined=False)


def _travel(pen: Pen, paint: Paint, rng: Generator) -> None:
    foot = float(rng.uniform(0.3, 0.4))
    pen.stroke(_loop((0.3, -0.05), (0.38, 0.36), -80, 80), paint.dark, 0.12)
    pen.polygon([(-0.46, -0.65), (0.46, -0.65), (foot, 0.97), (-foot, 0.97)], paint.base)
    pen.polygon([(-0.42, -0.2), (0.42, -0.2), (0.38, 0.35), (-0.38, 0.35)], paint.accent, outlined=False)
    pen.polygon([(-0.52, -0.82), (0.52, -0.82), (0.5, -0.6), (-0.5, -0.6)], _STEEL)
    pen.polygon([(-0.3, -0.98), (0.1, -0.98), (0.1, -0.82), (-0.3, -0.82)], _STEEL)


def draw_bucket(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A bucket, which differs from a mug in where its handle is and in that it narrows downwards."""
    foot, drop = float(rng.uniform(0.42, 0.55)), float(rng.uniform(0.7, 1.0))
    handle = _STICK if subtype == "wooden" else _STEEL
    pen.stroke(_loop((0, -0.35), (0.72, drop * 0.62), 180, 360), handle, 0.08)
    pen.polygon([(-0.78, -0.35), (0.78, -0.35), (foot, 0.92), (-foot, 0.92)], paint.base)
    pen.ellipse((0, -0.35), (0.78, 0.17), paint.light)
    pen.ellipse((0, -0.33), (0.64, 0.11), paint.dark, outlined=False)
    {"metal": _ribs, "wooden": _staves, "toy": _badge}[subtype](pen, paint, foot)


def _ribs(pen: Pen, paint: Paint, foot: float) -> None:
    for height in (0.1, 0.6):
        half = 0.78 - (0.78 - foot) * (height + 0.35) / 1.27
        pen.polygon([(-half, height), (half, height), (half, height + 0.1), (-half, height + 0.1)], paint.light)


def _staves(pen: Pen, paint: Paint, foot: float) -> None:
    for share in (-0.55, 0.0, 0.55):
        pen.stroke([(share * 0.78, -0.16), (share * foot, 0.88)], paint.dark, 0.05, outlined=False)
    half = 0.78 - (0.78 - foot) * 0.6
    pen.polygon([(-half, 0.36), (half, 0.36), (half, 0.5), (-half, 0.5)], _STEEL, outlined=False)


def _badge(pen: Pen, paint: Paint, _foot: float) -> None:
    pen.ellipse((0, 0.3), (0.28, 0.28), paint.accent)


def draw_umbrella(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """An umbrella with its stick."""
    {"open": _open, "beach": _beach, "folded": _folded, "inverted": _inverted}[subtype](pen, paint, rng)


def _open(pen: Pen, paint: Paint, rng: Generator) -> None:
    height, rim = float(rng.uniform(0.7, 0.95)), -0.02
    pen.stroke([(0, -0.98), (0, 0.75), (0.08, 0.9), (0.22, 0.9), (0.28, 0.74)], _STICK, 0.08)
    pen.ellipse((0, rim), (0.95, height), paint.base, part=(14, 29))
    second = paint.light if rng.random() < 0.5 else paint.base
    pen.ellipse((0, rim), (0.38, height), second, part=(14, 29))
    for x in (-0.66, 0, 0.66):
        pen.ellipse((x, rim + 0.05), (0.3, 0.14), paint.dark, part=(14, 29), outlined=False)


def _beach(pen: Pen, paint: Paint, rng: Generator) -> None:
    height, second = float(rng.uniform(0.42, 0.62)), paint.accent if rng.random() < 0.5 else paint.light
    pen.stroke([(0, -0.9), (0, 1)], _STICK, 0.08)
    top, rim = -0.4 - height, -0.4
    edge = [
        (-1.0, rim),
        (-0.62, rim + 0.06),
        (-0.22, rim + 0.1),
        (0.22, rim + 0.1),
        (0.62, rim + 0.06),
        (1, rim),
    ]
    for index, (left, right) in enumerate(pairwise(edge)):
        pen.polygon([(0, top), left, right], second if index % 2 else paint.base)


def _folded(pen: Pen, paint: Paint, rng: Generator) -> None:
    half = float(rng.uniform(0.2, 0.32))
    pen.stroke([(0, 0.5), (0, 0.8), (0.08, 0.95), (0.26, 0.95), (0.32, 0.78)], _STICK, 0.1)
    pen.stroke([(0, -0.98), (0, -0.6)], _STICK, 0.06)
    pen.polygon([(0, -0.85), (half, 0.35), (half * 0.6, 0.52), (-half * 0.6, 0.52), (-half, 0.35)], paint.base)
    pen.polygon([(0, -0.7), (half * 0.4, 0.4), (-half * 0.15, 0.45)], paint.light, outlined=False)
    pen.polygon([(-half, 0.1), (half, -0.02), (half, 0.12), (-half, 0.24)], paint.accent)


def _inverted(pen: Pen, paint: Paint, rng: Generator) -> None:
    wide = float(rng.uniform(0.8, 0.98))
    pen.polygon([(0, 0.15), (-wide, -0.85), (-wide * 0.45, -0.6), (0, -0.9), (wide * 0.45, -0.6), (wide, -0.85)],
                paint.dark)  # fmt: skip
    for x in (-0.5, 0.5):
        pen.polygon([(0, 0.15), (x * wide * 0.4, -0.62), (x * wide * 1.4, -0.72)], paint.base)
    pen.stroke([(0, 0.1), (0, 0.78), (0.1, 0.93), (0.26, 0.9), (0.3, 0.74)], _STICK, 0.08)
