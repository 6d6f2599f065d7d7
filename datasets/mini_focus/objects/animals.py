"""Fish and birds."""

from __future__ import annotations

from numpy.random import Generator

from datasets.mini_focus.canvas import Paint, Pen, Point

_BEAK = (244, 168, 40)
_LEG = (206, 120, 50)


def _eye(pen: Pen, centre: Point, radius: float) -> None:
    pen.ellipse(centre, (radius, radius), (255, 255, 255))
    pen.ellipse(centre, (radius * 0.5, radius * 0.5), (20, 20, 24), outlined=False)


def draw_fish(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A fish from the side, its head to the right."""
    {"tropical": _tropical, "slender": _slender, "puffer": _puffer, "jelly": _jelly}[subtype](pen, paint, rng)


def _tropical(pen: Pen, paint: Paint, rng: Generator) -> None:
    height = float(rng.uniform(0.5, 0.65))
    pen.polygon([(-0.5, 0), (-1, -0.45), (-0.88, 0), (-1, 0.45)], paint.dark)
    pen.polygon([(-0.3, -0.3), (-0.45, -0.95), (0.3, -height + 0.1)], paint.dark)
    pen.polygon([(-0.3, 0.3), (-0.45, 0.95), (0.3, height - 0.1)], paint.dark)
    pen.ellipse((0.12, 0), (0.76, height), paint.base)
    band = paint.accent if rng.random() < 0.6 else paint.light
    pen.polygon(
        [(0.2, -height + 0.1), (0.36, -height + 0.15), (0.36, height - 0.15), (0.2, height - 0.1)],
        band,
        outlined=False,
    )
    pen.polygon(
        [(-0.25, -height + 0.17), (-0.1, -height + 0.1), (-0.1, height - 0.1), (-0.25, height - 0.17)],
        band,
        outlined=False,
    )
    _eye(pen, (0.58, -0.12), 0.12)


def _slender(pen: Pen, paint: Paint, rng: Generator) -> None:
    height = float(rng.uniform(0.26, 0.42))
    pen.polygon([(-0.6, 0), (-1, -0.36), (-0.86, 0), (-1, 0.36)], paint.dark)
    pen.polygon([(-0.25, -height * 0.6), (-0.2, -height - 0.25), (0.2, -height * 0.7)], paint.dark)
    pen.smooth(
        [
            (-0.85, 0),
            (-0.1, -height * 1.35),
            (0.75, -height),
            (1.1, 0.02),
            (0.7, height),
            (-0.1, height * 1.3),
        ],
        paint.base,
    )
    pen.smooth(
        [(-0.6, 0.05), (0.4, height * 0.4), (0.85, 0.08), (0.6, height * 0.85), (-0.1, height)],
        paint.light,
        outlined=False,
    )
    pen.polygon([(0.15, 0.05), (-0.15, 0.28), (-0.05, 0)], paint.dark)
    _eye(pen, (0.66, -0.08), 0.1)


def _puffer(pen: Pen, paint: Paint, rng: Generator) -> None:
    pen.polygon([(-0.6, 0), (-1, -0.28), (-1, 0.28)], paint.dark)
    for x, y in ((-0.35, -0.82), (0.1, -0.92), (0.5, -0.76), (-0.35, 0.82), (0.1, 0.92), (0.5, 0.76)):
        pen.polygon([(x, y), (x * 0.7 + 0.17, y * 0.6), (x * 0.7 - 0.13, y * 0.6)], paint.dark)
    pen.ellipse((0.1, 0), (0.78, 0.7), paint.base)
    pen.ellipse((0.14, 0.2), (0.62, 0.44), paint.light, outlined=False)
    _eye(pen, (0.48, -0.2), float(rng.uniform(0.13, 0.18)))
    pen.polygon([(0, 0.05), (-0.32, 0.22), (-0.28, -0.1)], paint.dark)
    pen.ellipse((0.84, 0.1), (0.1, 0.08), paint.accent)


def _jelly(pen: Pen, paint: Paint, rng: Generator) -> None:
    length = float(rng.uniform(0.6, 0.85))
    for x in (-0.5, -0.17, 0.17, 0.5):
        pen.stroke([(x, 0), (x + 0.12, length * 0.4), (x - 0.08, length * 0.7), (x + 0.06, length)], paint.light, 0.09)
    pen.ellipse((0, 0), (0.75, 0.85), paint.base, part=(14, 29))
    pen.ellipse((0, 0.02), (0.75, 0.15), paint.dark)
    pen.ellipse((-0.25, -0.5), (0.16, 0.14), paint.light, outlined=False)
    for x in (-0.05, 0.35):
        _eye(pen, (x, -0.28), 0.1)


def draw_bird(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A bird from the side, its head to the right."""
    {"perching": _perching, "flying": _flying, "wading": _wading, "swimming": _swimming}[subtype](pen, paint, rng)


def _perching(pen: Pen, paint: Paint, rng: Generator) -> None:
    for x in (-0.08, 0.16):
        pen.stroke([(x, 0.5), (x, 0.9), (x + 0.14, 0.9)], _LEG, 0.07)
    pen.polygon([(-0.4, 0.15), (-1, float(rng.uniform(-0.2, 0.4))), (-0.95, 0.5), (-0.3, 0.45)], paint.dark)
    pen.smooth(
        [(-0.75, 0.1), (0, -0.35), (0.3, -0.95), (0.85, -0.85), (0.7, 0.1), (0.35, 0.7), (-0.25, 0.7)],
        paint.base,
    )
    pen.ellipse((0.35, 0.2), (0.24, 0.3), paint.light, outlined=False)
    pen.polygon([(0.68, -0.62), (0.98, -0.44), (0.66, -0.36)], _BEAK)
    pen.smooth([(0.25, -0.1), (0.2, 0.4), (-0.4, 0.45), (-0.75, 0.3), (-0.2, -0.15)], paint.dark)
    _eye(pen, (0.48, -0.55), 0.1)


def _flying(pen: Pen, paint: Paint, rng: Generator) -> None:
    lift = float(rng.uniform(0.6, 0.95))
    pen.smooth([(0.05, 0.1), (0.3, -lift), (0.95, -lift - 0.1), (0.75, -0.35), (0.5, 0.1)], paint.dark)
    pen.polygon([(-0.4, 0.2), (-1, 0.3), (-0.85, 0.5), (-0.95, 0.7), (-0.3, 0.45)], paint.dark)
    pen.polygon([(0.8, -0.06), (1.1, 0.08), (0.78, 0.16)], _BEAK)
    pen.smooth([(-0.7, 0.4), (0, 0), (0.5, -0.3), (1.0, -0.2), (0.9, 0.2), (0.4, 0.5), (-0.2, 0.6)], paint.base)
    pen.smooth([(0.3, 0.2), (0, -lift), (-0.95, -lift - 0.1), (-0.75, -0.35), (-0.3, 0.3)], paint.light)
    _eye(pen, (0.68, -0.04), 0.1)


def _wading(pen: Pen, paint: Paint, rng: Generator) -> None:
    for x in (-0.3, -0.02):
        pen.stroke([(x, 0.25), (x + 0.05, 0.95), (x + 0.2, 0.95)], _LEG, 0.06)
    tall = float(rng.uniform(-0.88, -0.65))
    neck = [(0.2, 0.05), (0.45, -0.1), (0.3, (tall - 0.1) / 2), (0.38, tall)]
    pen.smooth([(0.5, tall - 0.1), (0.92, tall + 0.04), (0.98, tall + 0.24), (0.5, tall + 0.12)], _BEAK)
    pen.stroke(neck, paint.base, 0.17)
    pen.ellipse((0.42, tall), (0.19, 0.16), paint.base)
    pen.smooth([(-0.98, 0.2), (-0.3, -0.25), (0.4, -0.12), (0.45, 0.25), (0, 0.5), (-0.4, 0.4)], paint.base)
    pen.smooth([(-0.9, 0.22), (-0.3, -0.12), (0.2, 0.05), (-0.1, 0.32)], paint.dark, outlined=False)
    _eye(pen, (0.46, tall - 0.02), 0.07)


def _swimming(pen: Pen, paint: Paint, rng: Generator) -> None:
    tall = float(rng.uniform(-0.85, -0.65))
    pen.stroke([(0.45, 0.2), (0.75, -0.1), (0.45, -0.4), (0.5, tall)], paint.base, 0.2)
    pen.polygon([(0.68, tall - 0.08), (1.02, tall + 0.06), (0.68, tall + 0.14)], _BEAK)
    pen.ellipse((0.52, tall), (0.22, 0.18), paint.base)
    pen.smooth([(-1.05, -0.25), (-0.5, 0), (0.3, -0.05), (0.8, 0.15), (0.6, 0.6), (-0.6, 0.6)], paint.base)
    pen.smooth([(-0.95, -0.4), (0, -0.15), (0.35, 0.2), (-0.1, 0.4), (-0.6, 0.3)], paint.light)
    _eye(pen, (0.56, tall - 0.03), 0.08)
