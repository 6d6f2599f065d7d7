"""Houses and lamps."""

from __future__ import annotations

from numpy.random import Generator

from datasets.mini_focus.canvas import Paint, Pen, Point, darker

_PANE = (176, 214, 238)
_GLOW = (255, 236, 150)
_METAL = (96, 96, 106)


def _box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def draw_house(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A house from the front, with a door and few windows."""
    {"country": _country, "modern": _modern, "tower": _tower, "castle": _castle}[subtype](pen, paint, rng)


def _country(pen: Pen, paint: Paint, rng: Generator) -> None:
    eaves, roof = float(rng.uniform(-0.2, 0.05)), darker(paint.accent, 0.35)
    if rng.random() < 0.6:
        pen.polygon(_box(0.38, -0.85, 0.62, eaves), darker(paint.accent, 0.5))
    pen.polygon(_box(-0.78, eaves, 0.78, 0.85), paint.base)
    if rng.random() < 0.5:
        pen.polygon([(-1, eaves), (0, -0.95), (1, eaves)], roof)
    else:
        pen.polygon([(-1, eaves), (-0.6, -0.75), (0.6, -0.75), (1, eaves)], roof)
    pen.polygon(_box(-0.16, 0.3, 0.16, 0.85), paint.dark)
    for left in (-0.62, 0.3):
        pen.polygon(_box(left, 0.16, left + 0.32, 0.48), _PANE)


def _modern(pen: Pen, paint: Paint, rng: Generator) -> None:
    step = float(rng.uniform(-0.1, 0.25))
    pen.polygon(_box(-0.95, 0, 0.95, 0.8), paint.light)
    pen.polygon(_box(-0.95, -0.65, step, 0.8), paint.base)
    pen.polygon(_box(-1.02, -0.75, step + 0.1, -0.6), paint.dark)
    pen.polygon(_box(step, -0.08, 1.02, 0.06), paint.dark)
    pen.polygon(_box(-0.75, -0.42, step - 0.15, -0.08), _PANE)
    pen.polygon(_box(-0.75, 0.25, -0.42, 0.8), darker(paint.accent, 0.3))
    pen.polygon(_box(step + 0.12, 0.24, 0.78, 0.58), _PANE)


def _tower(pen: Pen, paint: Paint, rng: Generator) -> None:
    half, roof = float(rng.uniform(0.38, 0.52)), darker(paint.accent, 0.3)
    pen.polygon(_box(-half, -0.4, half, 0.98), paint.base)
    if rng.random() < 0.5:
        pen.polygon([(-half - 0.14, -0.38), (0, -1), (half + 0.14, -0.38)], roof)
    else:
        pen.polygon([(-half - 0.14, -0.38), (-half, -0.85), (half, -0.6), (half + 0.14, -0.38)], roof)
    pen.polygon(_box(-0.15, 0.55, 0.15, 0.98), paint.dark)
    for top in (-0.22, 0.14):
        pen.polygon(_box(-0.17, top, 0.17, top + 0.24), _PANE)


def _castle(pen: Pen, paint: Paint, rng: Generator) -> None:
    wall = float(rng.uniform(-0.2, 0.1))
    pen.polygon(_box(-0.6, wall, 0.6, 0.95), paint.light)
    for left in (-0.98, 0.5):
        pen.polygon(_box(left, -0.6, left + 0.48, 0.95), paint.base)
        for step in range(2):
            pen.polygon(_box(left - 0.04 + step * 0.36, -0.85, left + 0.16 + step * 0.36, -0.6), paint.base)
        pen.polygon(_box(left + 0.16, -0.35, left + 0.32, -0.05), darker(paint.base, 0.6), outlined=False)
    for left in (-0.4, -0.08, 0.24):
        pen.polygon(_box(left, wall - 0.18, left + 0.18, wall), paint.light)
    pen.ellipse((0, 0.65), (0.26, 0.32), paint.dark, part=(14, 29))
    pen.polygon(_box(-0.26, 0.63, 0.26, 0.95), paint.dark)


def draw_lamp(pen: Pen, subtype: str, paint: Paint, rng: Generator) -> None:
    """A lamp with a shade in the object's colour; floor lamps may look like umbrellas or mushrooms."""
    {"table": _table, "floor": _floor, "oil": _oil, "desk": _desk}[subtype](pen, paint, rng)


def _shade(pen: Pen, paint: Paint, rng: Generator, top: float, bottom: float, half: float) -> None:
    """A trapezoid or a dome, with the bulb showing below and a bright band of light."""
    pen.ellipse((0, bottom), (0.17, 0.15), _GLOW)
    if rng.random() < 0.5:
        narrow = half * float(rng.uniform(0.4, 0.7))
        pen.polygon([(-narrow, top), (narrow, top), (half, bottom), (-half, bottom)], paint.base)
    else:
        pen.ellipse((0, bottom), (half, bottom - top), paint.base, part=(14, 29))
    pen.polygon(_box(-half * 0.9, bottom - 0.1, half * 0.9, bottom - 0.02), paint.light, outlined=False)


def _table(pen: Pen, paint: Paint, rng: Generator) -> None:
    pen.stroke([(0, 0), (0, 0.9)], _METAL, 0.12)
    if rng.random() < 0.6:
        pen.ellipse((0, 0.52), (0.3, 0.36), paint.accent)
    pen.ellipse((0, 0.9), (0.42, 0.1), _METAL)
    _shade(pen, paint, rng, -0.85, 0.08, float(rng.uniform(0.6, 0.85)))


def _floor(pen: Pen, paint: Paint, rng: Generator) -> None:
    pen.stroke([(0, -0.5), (0, 0.93)], _METAL, 0.09)
    pen.ellipse((0, 0.93), (0.32, 0.08), _METAL)
    _shade(pen, paint, rng, -0.98, -0.4, float(rng.uniform(0.4, 0.55)))


def _oil(pen: Pen, paint: Paint, rng: Generator) -> None:
    pen.ellipse((0, -0.6), (0.34, 0.36), _METAL)
    pen.ellipse((0, -0.6), (0.24, 0.26), (206, 216, 222))
    pen.smooth([(-0.5, -0.5), (0.5, -0.5), (0.62, 0.2), (0.36, 0.6), (-0.36, 0.6), (-0.62, 0.2)], _GLOW)
    pen.smooth([(0, -0.3), (0.2, 0.2), (0.14, 0.45), (-0.14, 0.45), (-0.2, 0.2)], (250, 150, 50), outlined=False)
    pen.polygon([(-0.24, -0.72), (0.24, -0.72), (0.46, -0.38), (-0.46, -0.38)], paint.base)
    foot = float(rng.uniform(0.45, 0.62))
    pen.polygon([(-0.42, 0.5), (0.42, 0.5), (foot, 0.95), (-foot, 0.95)], paint.base)
    pen.polygon(_box(-0.42, 0.64, 0.42, 0.72), paint.light, outlined=False)


def _desk(pen: Pen, paint: Paint, rng: Generator) -> None:
    knee = float(rng.uniform(-0.15, 0.1))
    pen.ellipse((-0.3, 0.88), (0.48, 0.12), paint.dark)
    pen.stroke([(-0.3, 0.85), (-0.7, knee), (0.1, -0.65)], _METAL, 0.1)
    pen.ellipse((-0.7, knee), (0.1, 0.1), paint.accent)
    pen.ellipse((0.5, -0.3), (0.2, 0.2), _GLOW)
    pen.polygon([(0.0, -0.85), (0.25, -0.9), (0.95, -0.4), (0.2, 0.05), (-0.05, -0.6)], paint.base)
