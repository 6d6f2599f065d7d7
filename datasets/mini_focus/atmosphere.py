"""Light and weather over a picture: the light's direction, night, fog, rain and falling snow."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from datasets.mini_focus.canvas import Colour

_COARSE = 4
"""Soft masks are drawn and blurred at a size this many times smaller, for speed."""
_MIST: Colour = (214, 218, 222)
_RAIN: Colour = (120, 132, 148)
Veils = Mapping[str, tuple[Colour, float]]
PLACE_HAZE: Veils = {
    "fog": (_MIST, 0.4), "rain": (_RAIN, 0.26), "snowfall": ((214, 222, 234), 0.22),
}  # fmt: skip
HAZE: Veils = {"fog": (_MIST, 0.28), "rain": (_RAIN, 0.1)}
_NIGHT_FACTORS = (0.34, 0.38, 0.56)
_NIGHT_MIST = 0.45
_FALL = (0.0, 0.18)
_EXPOSURES = (0.9, 1.1)
_WARMTH = 0.06


def shadow(image: Image.Image, centre: tuple[float, float], radii: tuple[float, float], share: float) -> None:
    """Blend black into the picture over an ellipse with a blurred edge: a shadow."""
    small = Image.new("L", (image.width // _COARSE, image.height // _COARSE))
    box = [(c + sign * r) / _COARSE for sign in (-1, 1) for c, r in zip(centre, radii, strict=True)]
    ImageDraw.Draw(small).ellipse(box, fill=round(255 * share))
    small = small.filter(ImageFilter.BoxBlur(2))
    image.paste((0, 0, 0), mask=small.resize(image.size, Image.Resampling.BILINEAR))


def object_tint(location: str, time: str) -> tuple[float, float, float]:
    """The share of each colour channel that an object keeps; at night this is more than its surroundings keep."""
    if location == "space":
        return (0.88, 0.88, 0.94)
    return (0.76, 0.78, 0.9) if time == "night" else (1.0, 1.0, 1.0)


def darken(image: Image.Image) -> Image.Image:
    """Turn the picture of a place from day into a bluish night."""
    table = [round(value * factor) for factor in _NIGHT_FACTORS for value in range(256)]
    return image.point(table)


def illuminate(image: Image.Image, rng: Generator) -> Image.Image:
    """Light the picture from a random side, fading across it, with random exposure and warmth."""
    angle, fall, exposure = (float(rng.uniform(*limits)) for limits in ((0, 2 * math.pi), _FALL, _EXPOSURES))
    warmth = np.array([1, 0, -1]) * float(rng.uniform(-_WARMTH, _WARMTH))
    rows, columns = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    slope = fall * (columns * math.cos(angle) + rows * math.sin(angle))
    lit = np.asarray(image) * ((exposure + slope)[..., None] * (1 + warmth))
    return Image.fromarray(np.clip(lit.round(), 0, 255).astype(np.uint8))


def veil(image: Image.Image, weather: str, time: str, veils: Veils) -> Image.Image:
    """Lay the haze of the weather over the picture: `PLACE_HAZE` on the place, the thinner `HAZE` on everything."""
    if weather not in veils:
        return image
    colour, share = veils[weather]
    if time == "night":
        red, green, blue = (round(value * _NIGHT_MIST) for value in colour)
        colour = (red, green, blue + 14)
    return Image.blend(image, Image.new("RGB", image.size, colour), share)


def precipitate(image: Image.Image, weather: str, rng: Generator) -> None:
    """Draw a few soft streaks of rain or flakes of snow in front of everything."""
    if weather not in ("rain", "snowfall"):
        return
    scale, mask = image.width / 64, Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    if weather == "rain":
        _streaks(draw, scale, rng)
    else:
        _flakes(draw, scale, rng)
    image.paste((214, 226, 240) if weather == "rain" else (252, 253, 255), mask=mask)


def _streaks(draw: ImageDraw.ImageDraw, scale: float, rng: Generator) -> None:
    slant = float(rng.uniform(0.15, 0.45))
    for x, y in rng.uniform((-4, -6), (66, 58), size=(16, 2)).tolist():
        length = float(rng.uniform(7, 11))
        ends = [x * scale, y * scale, (x + slant * length) * scale, (y + length) * scale]
        draw.line(ends, fill=110, width=round(1.1 * scale))


def _flakes(draw: ImageDraw.ImageDraw, scale: float, rng: Generator) -> None:
    for x, y in rng.uniform(0, 64, size=(20, 2)).tolist():
        radius = float(rng.uniform(1.0, 1.8))
        draw.ellipse([(v + sign * radius) * scale for sign in (-1, 1) for v in (x, y)], fill=215)
