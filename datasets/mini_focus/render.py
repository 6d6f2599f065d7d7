"""Draws a scene. The same scene always gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image

from datasets.mini_focus.atmosphere import HAZE, PLACE_HAZE, darken, illuminate, object_tint, precipitate, shadow, veil
from datasets.mini_focus.backdrop import draw_backdrop
from datasets.mini_focus.canvas import Colour, Pen, Point, mix_paint
from datasets.mini_focus.clutter import scatter
from datasets.mini_focus.objects import DRAWERS, FOOT, STEADY
from datasets.mini_focus.scene import Scene

RENDERER_VERSION = 3
"""Increase this whenever a scene's bytes change, so that stored models and caches are recognised as stale."""

_SUPERSAMPLING = 3
_SIZES = (0.62, 0.86)
_SLIM_SIZES = (0.74, 0.92)
_SLIM = ("folded", "floor", "tower")
"""Sub-types that would be too thin to recognise if drawn small."""
_TILT, _STEADY_TILT = 8.0, 5.0
_STRETCH = 0.1
_OCCLUDED = 0.1
_ROLL = 4.0
"""The camera is tilted by at most this many degrees."""
_FLOATING = ("fish", "flying")
_OCCLUDERS: dict[str, Colour] = {
    "grass": (66, 120, 58), "desert": (150, 112, 84), "snow": (236, 242, 250), "water": (84, 142, 190),
    "street": (96, 96, 104), "indoors": (150, 84, 96), "space": (104, 100, 112),
}  # fmt: skip


def render(scene: Scene, size: int = 64) -> Image.Image:
    """Draw the scene as an RGB picture of `size` × `size` pixels."""
    canvas = size * _SUPERSAMPLING
    place, pose, shape, weather, light, view, things = (np.random.default_rng((scene.seed, n)) for n in range(7))
    image, horizon = draw_backdrop(scene.location, canvas, place)
    scatter(image, scene.location, horizon, things)
    roll = float(view.uniform(-_ROLL, _ROLL))
    image = turn(image, roll)
    if scene.time == "night" and scene.location != "space":
        image = darken(image)
    image = veil(image, scene.weather, scene.time, PLACE_HAZE)
    _draw_object(image, scene, horizon, roll, pose, shape)
    image = veil(image, scene.weather, scene.time, HAZE)
    precipitate(image, scene.weather, weather)
    return illuminate(image.reduce(_SUPERSAMPLING), light)


def turn(image: Image.Image, degrees: float) -> Image.Image:
    """The picture as a tilted camera takes it, enlarged just enough that no corner is empty."""
    radians, half = math.radians(degrees), image.width / 2
    zoom = math.cos(radians) + abs(math.sin(radians))
    a, b = math.cos(radians) / zoom, math.sin(radians) / zoom
    matrix = (a, b, half * (1 - a - b), -b, a, half * (1 + b - a))
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _draw_object(
    image: Image.Image, scene: Scene, horizon: float, roll: float, pose: Generator, shape: Generator
) -> None:
    """Draw the object with its shadow on the ground and, sometimes, something in front of it."""
    canvas, sizes = image.width, _SLIM_SIZES if scene.subtype in _SLIM else _SIZES
    extent = float(pose.uniform(*sizes))
    half, foot = extent * canvas / 2, FOOT.get(scene.subtype, 0.95)
    centre = _centre(scene, extent, horizon, foot, pose)
    centre = (centre[0] * canvas, centre[1] * canvas)
    if scene.location != "space":
        ground = (centre[0], centre[1] + half * foot + (0.1 * half if _floats(scene) else 0))
        shadow(image, ground, (half * 0.85, half * 0.2), 0.4)
    paint = mix_paint(scene.colour, shape)
    stretch = 1 + float(pose.uniform(-_STRETCH, _STRETCH))
    flip = -1 if pose.random() < 0.5 else 1
    limit = _STEADY_TILT if scene.category in STEADY else _TILT
    pen = Pen(
        image,
        centre,
        (half * min(stretch, 1) * flip, half / max(stretch, 1)),
        roll + float(pose.uniform(-limit, limit)),
        line=max(2, round(canvas / 64)),
        outline=paint.outline,
        tint=_tint(scene),
    )
    DRAWERS[scene.category](pen, scene.subtype, paint, shape)
    if pose.random() < _OCCLUDED:
        _occlude(image, scene, centre, half, pose)


def _floats(scene: Scene) -> bool:
    return scene.category in _FLOATING or scene.subtype in _FLOATING


def _centre(scene: Scene, extent: float, horizon: float, foot: float, pose: Generator) -> Point:
    """Choose the centre, in fractions of the frame: anywhere across, and standing on the ground or in the air."""
    slack = 0.5 - extent / 2
    x = 0.5 + float(pose.uniform(-slack, slack)) * 0.95
    if scene.location == "space" or _floats(scene):
        return x, 0.5 + float(pose.uniform(-slack, slack)) * 0.8
    lowest = float(pose.uniform(max(horizon + 0.08, 0.6), 0.95))
    return x, max(lowest - foot * extent / 2, extent / 2 + 0.01)


def _tint(scene: Scene) -> Callable[[Colour], Colour]:
    """A function that changes colours for the light of the location and time."""
    factors = object_tint(scene.location, scene.time)

    def apply(colour: Colour) -> Colour:
        red, green, blue = (round(value * factor) for value, factor in zip(colour, factors, strict=True))
        return red, green, blue

    return apply


def _occlude(image: Image.Image, scene: Scene, centre: Point, half: float, pose: Generator) -> None:
    """Put a bush, a stone or a wave in front of a lower corner of the object."""
    side = -1 if pose.random() < 0.5 else 1
    x, y = centre[0] + side * half * 0.6, centre[1] + half * FOOT.get(scene.subtype, 0.95)
    pen = Pen(image, (x, y), (half, half), line=0, tint=_tint(scene))
    colour = _OCCLUDERS[scene.location]
    for shift, radius in ((-0.24, 0.22), (0.24, 0.2), (0, 0.3)):
        pen.ellipse((shift, 0), (radius, radius * 0.9), colour)
