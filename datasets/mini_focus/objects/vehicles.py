"""Cars and boats."""

from __future__ import annotations

from numpy.random import Generator

from datasets.mini_focus.canvas import Paint, Pen, darker

_GLASS = (186, 220, 240)
_TYRE = (44, 44, 50)
_RIM = (190, 190, 196)
_WOOD = (134, 88, 50)
_CREAM = (246, 240, 222)


def draw_car(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A car from the side, facing right."""
    radius = float(rng.uniform(0.19, 0.26))
    {"compact": _compact, "sports": _sports, "camper": _camper, "pickup": _pickup}[subtype](pen, paint, rng)
    pen.ellipse((0.93, 0.16), (0.08, 0.09), (255, 240, 170))
    for x in (-0.55, 0.55):
        pen.ellipse((x, 0.38), (radius, radius), _TYRE)
        pen.ellipse((x, 0.38), (radius * 0.45, radius * 0.45), _RIM, outlined=False)


def _compact(pen: Pen, paint: Paint, rng: Generator) -> None:
    roof = -0.5 - float(rng.uniform(0, 0.15))
    body = [(-1, 0.5), (-1, -0.1), (-0.7, -0.08), (-0.5, roof), (0.3, roof), (0.65, -0.1), (1, 0), (1, 0.5)]
    pen.smooth(body, paint.base)
    pen.polygon([(-0.5, -0.08), (-0.36, roof + 0.14), (-0.06, roof + 0.14), (-0.06, -0.08)], _GLASS)
    pen.polygon([(0.06, -0.08), (0.06, roof + 0.14), (0.25, roof + 0.14), (0.48, -0.08)], _GLASS)
    if rng.random() < 0.5:
        pen.polygon([(-0.9, 0.1), (0.85, 0.1), (0.85, 0.2), (-0.9, 0.2)], paint.light, outlined=False)


def _sports(pen: Pen, paint: Paint, rng: Generator) -> None:
    body = [
        (-1, 0.42),
        (-1, 0),
        (-0.55, -0.06),
        (-0.25, -0.36),
        (0.15, -0.36),
        (0.55, 0),
        (1, 0.1),
        (1, 0.42),
    ]
    if rng.random() < 0.5:
        pen.polygon([(-1, -0.28), (-0.7, -0.2), (-0.7, -0.1), (-0.85, 0), (-0.95, -0.1)], paint.dark)
    pen.polygon(body, paint.base)
    pen.polygon([(-0.36, -0.03), (-0.18, -0.27), (0.12, -0.27), (0.36, -0.03)], _GLASS)
    pen.polygon([(-0.95, 0.16), (0.8, 0.16), (0.8, 0.26), (-0.95, 0.26)], paint.accent, outlined=False)


def _camper(pen: Pen, paint: Paint, rng: Generator) -> None:
    roof = -0.62 - float(rng.uniform(0, 0.12))
    pen.polygon([(-0.97, 0.42), (-0.97, roof), (0.7, roof), (0.95, -0.08), (0.97, 0.42)], paint.base)
    if rng.random() < 0.5:
        pen.polygon([(-0.94, roof), (0.7, roof), (0.92, -0.06), (-0.94, -0.06)], _CREAM, outlined=False)
    for left in (-0.82, -0.32):
        pen.polygon([(left, -0.44), (left + 0.38, -0.44), (left + 0.38, -0.08), (left, -0.08)], _GLASS)
    pen.polygon([(0.2, -0.44), (0.6, -0.44), (0.8, -0.08), (0.2, -0.08)], _GLASS)


def _pickup(pen: Pen, paint: Paint, rng: Generator) -> None:
    roof = -0.58 - float(rng.uniform(0, 0.12))
    if rng.random() < 0.5:
        for x in (-0.75, -0.45):
            pen.polygon([(x - 0.16, -0.4), (x + 0.16, -0.4), (x + 0.16, 0), (x - 0.16, 0)], _WOOD)
    pen.polygon([(-0.15, 0.42), (-0.15, roof), (0.3, roof), (0.52, -0.1), (0.98, 0), (0.98, 0.42)], paint.base)
    pen.polygon([(-1, -0.12), (-0.12, -0.12), (-0.12, 0.42), (-1, 0.42)], paint.dark)
    pen.polygon([(-0.03, -0.1), (-0.03, roof + 0.12), (0.22, roof + 0.12), (0.38, -0.1)], _GLASS)


def draw_boat(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A boat from the side, its bow to the right."""
    {"sailing": _sailing, "steam": _steam, "rowing": _rowing, "motor": _motor}[subtype](pen, paint, rng)


def _sailing(pen: Pen, paint: Paint, rng: Generator) -> None:
    sail = _CREAM if rng.random() < 0.5 else paint.light
    pen.stroke([(0, 0.45), (0, -0.95)], _WOOD, 0.07)
    if rng.random() < 0.5:
        pen.polygon([(0.07, -0.9), (0.07, 0.3), (0.75, 0.3)], sail)
        pen.polygon([(-0.07, -0.7), (-0.07, 0.3), (-0.6, 0.3)], paint.base)
    else:
        pen.smooth([(-0.6, -0.75), (0.6, -0.75), (0.85, 0), (0.6, 0.32), (-0.6, 0.32), (-0.4, 0)], sail)
    pen.polygon([(-0.85, 0.42), (0.95, 0.36), (0.6, 0.85), (-0.55, 0.85)], paint.base)
    pen.polygon([(-0.78, 0.5), (0.82, 0.48), (0.76, 0.58), (-0.72, 0.6)], paint.light, outlined=False)


def _steam(pen: Pen, paint: Paint, rng: Generator) -> None:
    for left in (-0.3,) if rng.random() < 0.5 else (-0.45, 0.0):
        pen.polygon([(left, -0.7), (left + 0.27, -0.7), (left + 0.27, -0.2), (left, -0.2)], paint.accent)
        pen.polygon([(left, -0.7), (left + 0.27, -0.7), (left + 0.27, -0.55), (left, -0.55)], _TYRE)
    pen.polygon([(-0.65, -0.22), (0.42, -0.22), (0.52, 0.22), (-0.65, 0.22)], _CREAM)
    for x in (-0.42, -0.06, 0.26):
        pen.ellipse((x, 0), (0.09, 0.09), _GLASS)
    pen.polygon([(-0.95, 0.2), (1, 0.12), (0.72, 0.7), (-0.75, 0.7)], paint.base)
    pen.polygon([(-0.82, 0.52), (0.78, 0.52), (0.71, 0.66), (-0.76, 0.66)], paint.dark, outlined=False)


def _rowing(pen: Pen, paint: Paint, rng: Generator) -> None:
    depth = 0.42 + float(rng.uniform(0, 0.15))
    pen.smooth([(-1.1, -0.2), (1.1, -0.2), (0.8, 0.18), (-0.8, 0.18)], darker(_WOOD, 0.25))
    pen.stroke([(-0.35, 0.1), (0.1, -0.08)], _WOOD, 0.1)
    pen.polygon([(-1, -0.15), (-0.6, 0.08), (0.6, 0.08), (1, -0.15), (0.72, depth), (-0.72, depth)], paint.base)
    pen.polygon([(-0.9, 0.04), (-0.6, 0.2), (0.6, 0.2), (0.9, 0.04), (0.86, 0.14), (0.6, 0.3), (-0.6, 0.3),
                 (-0.86, 0.14)], paint.light, outlined=False)  # fmt: skip
    pen.stroke([(-0.15, -0.5), (0.5, depth + 0.12)], _WOOD, 0.08)
    pen.ellipse((0.53, depth + 0.12), (0.1, 0.16), _WOOD)


def _motor(pen: Pen, paint: Paint, rng: Generator) -> None:
    screen = float(rng.uniform(-0.4, -0.25))
    pen.polygon([(-1.02, 0.1), (-0.82, 0.1), (-0.82, 0.55), (-1.02, 0.5)], _TYRE)
    pen.polygon([(-0.1, 0.1), (-0.25, screen), (0.3, 0.08)], _GLASS)
    pen.ellipse((-0.45, -0.08), (0.13, 0.2), paint.accent)
    pen.smooth([(-0.95, 0.08), (0, 0.06), (1.15, -0.12), (0.75, 0.55), (-0.85, 0.62)], paint.base)
    pen.polygon([(-0.8, 0.26), (0.8, 0.1), (0.74, 0.22), (-0.8, 0.38)], paint.light, outlined=False)
