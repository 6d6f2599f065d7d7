"""The seven locations: a sky and a ground in smooth gradients, with coarse scenery."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image

from datasets.mini_focus.canvas import Colour, Pen, darker, jitter, lighter, mix
from datasets.mini_focus.scenery import (
    bush,
    cactus,
    cloud,
    fir,
    gradient,
    hills,
    planet,
    side_place,
    skyline,
)

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((92, 160, 236), (206, 230, 248)),
    ((150, 170, 190), (220, 224, 228)),
    ((124, 140, 214), (250, 212, 190)),
    ((86, 190, 226), (226, 244, 240)),
)


def draw_backdrop(location: str, size: int, rng: Generator) -> tuple[Image.Image, float]:
    """Draw the location; return the picture and its horizon as a fraction of the height."""
    return _LOCATIONS[location](size, rng)


def _pen(image: Image.Image) -> Pen:
    return Pen(image, (0, 0), (image.width, image.height), line=0)


def _outdoors(size: int, rng: Generator, far: Colour, near: Colour) -> tuple[Image.Image, Pen, float]:
    """A sky with a cloud or two over flat ground."""
    top, bottom = _SKIES[int(rng.integers(len(_SKIES)))]
    horizon = float(rng.uniform(0.4, 0.62))
    sky = (0.0, horizon, jitter(rng, top, 20), jitter(rng, bottom, 8))
    image = gradient(size, (sky, (horizon, 1.0, jitter(rng, far, 16), jitter(rng, near, 16))))
    pen = _pen(image)
    for _ in range(int(rng.integers(0, 3))):
        cloud(pen, float(rng.random()), float(rng.uniform(0.06, horizon - 0.2)), float(rng.uniform(0.08, 0.13)))
    return image, pen, horizon


def _grass(size: int, rng: Generator) -> tuple[Image.Image, float]:
    green = jitter(rng, ((98, 176, 72), (132, 172, 66), (76, 150, 84))[int(rng.integers(3))], 14)
    image, pen, horizon = _outdoors(size, rng, lighter(green, 0.15), darker(green, 0.18))
    variant = int(rng.integers(3))
    if variant == 0:
        hills(pen, rng, horizon, 0.16, mix(green, (120, 170, 190), 0.4))
    elif variant == 1:
        for x in np.arange(float(rng.uniform(-0.1, 0.1)), 1.1, 0.2).tolist():
            bush(pen, x, horizon, float(rng.uniform(0.06, 0.12)), darker(green, 0.4))
        pen.polygon([(0, horizon), (1, horizon), (1, horizon + 0.12), (0, horizon + 0.12)], lighter(green, 0.12))
    if rng.random() < 0.45:
        bush(pen, side_place(rng), horizon + 0.03, 0.09, darker(green, 0.3))
    if rng.random() < 0.35:
        path = [(0.45, horizon), (0.52, horizon), (0.8, 1), (0.25, 1)]
        pen.polygon(path, (206, 182, 136))
    return image, horizon


def _desert(size: int, rng: Generator) -> tuple[Image.Image, float]:
    sand = jitter(rng, ((228, 190, 120), (214, 160, 100), (236, 208, 150))[int(rng.integers(3))], 12)
    image, pen, horizon = _outdoors(size, rng, lighter(sand, 0.15), darker(sand, 0.12))
    if rng.random() < 0.4:
        rock, left = mix(sand, (160, 80, 50), 0.6), float(rng.uniform(-0.1, 0.6))
        mesa = [
            (left, horizon),
            (left + 0.06, horizon - 0.2),
            (left + 0.32, horizon - 0.2),
            (left + 0.4, horizon),
        ]
        pen.polygon(mesa, rock)
    else:
        hills(pen, rng, horizon, 0.14, darker(sand, 0.14))
    hills(pen, rng, horizon + 0.2, 0.16, mix(sand, (250, 220, 160), 0.5))
    pen.polygon([(0, horizon + 0.2), (1, horizon + 0.2), (1, 1), (0, 1)], sand)
    if rng.random() < 0.45:
        cactus(pen, side_place(rng), horizon + 0.1)
    elif rng.random() < 0.5:
        bush(pen, side_place(rng), horizon + 0.14, 0.08, (156, 112, 84))
    return image, horizon


def _snow(size: int, rng: Generator) -> tuple[Image.Image, float]:
    image, pen, horizon = _outdoors(size, rng, (242, 246, 252), (212, 224, 240))
    variant = int(rng.integers(3))
    if variant == 0:
        peak = float(rng.uniform(0.2, 0.8))
        pen.polygon([(peak - 0.5, horizon), (peak, horizon - 0.32), (peak + 0.5, horizon)], (142, 160, 190))
        cap = [(peak - 0.17, horizon - 0.21), (peak, horizon - 0.32), (peak + 0.17, horizon - 0.21)]
        pen.polygon([*cap, (peak, horizon - 0.17)], (248, 250, 255))
    else:
        hills(pen, rng, horizon, 0.14, (206, 218, 236) if variant == 1 else (150, 172, 186))
    if rng.random() < 0.45:
        fir(pen, side_place(rng), horizon + 0.06)
    if rng.random() < 0.4:
        pen.ellipse((float(rng.random()), horizon + 0.16), (0.26, 0.06), (250, 252, 255))
    return image, horizon


def _water(size: int, rng: Generator) -> tuple[Image.Image, float]:
    blue = jitter(rng, ((44, 112, 180), (40, 146, 168), (70, 110, 150))[int(rng.integers(3))], 14)
    image, pen, horizon = _outdoors(size, rng, lighter(blue, 0.3), darker(blue, 0.2))
    variant = int(rng.integers(3))
    if variant == 0:
        hills(pen, rng, horizon, 0.12, (104, 148, 122))
    elif variant == 1:
        left = float(rng.uniform(-0.1, 0.7))
        pen.ellipse((left + 0.2, horizon), (0.24, 0.1), (128, 140, 120), part=(14, 29))
    for depth in (0.1, 0.22, 0.36):
        x, y = float(rng.uniform(0, 0.8)), horizon + depth
        pen.smooth([(x - 0.2, y), (x, y - 0.025), (x + 0.3, y), (x, y + 0.025)], lighter(blue, 0.3))
    return image, horizon


def _street(size: int, rng: Generator) -> tuple[Image.Image, float]:
    grey = jitter(rng, (122, 122, 130), 18)
    image, pen, horizon = _outdoors(size, rng, lighter(grey, 0.1), darker(grey, 0.15))
    if rng.random() < 0.65:
        skyline(pen, rng, horizon)
    else:
        wall = jitter(rng, (188, 142, 118), 24)
        pen.polygon([(0, 0.08), (1, 0.08), (1, horizon), (0, horizon)], wall)
        for left in (0.06, 0.68):
            pen.polygon([(left, 0.16), (left + 0.26, 0.16), (left + 0.26, 0.34), (left, 0.34)], (150, 178, 200))
    pen.polygon([(0, horizon), (1, horizon), (1, horizon + 0.07), (0, horizon + 0.07)], (184, 182, 178))
    if rng.random() < 0.6:
        for x in (0.02, 0.42, 0.82):
            pen.polygon([(x, 0.86), (x + 0.2, 0.86), (x + 0.18, 0.91), (x - 0.02, 0.91)], (232, 230, 216))
    if rng.random() < 0.35:
        x = side_place(rng)
        pen.stroke([(x, horizon + 0.05), (x, 0.12), (x + (0.12 if x < 0.5 else -0.12), 0.12)], (70, 76, 84), 0.03)
    return image, horizon


def _indoors(size: int, rng: Generator) -> tuple[Image.Image, float]:
    walls = ((226, 206, 176), (206, 170, 160), (172, 196, 200), (206, 204, 224))
    wall, floor = jitter(rng, walls[int(rng.integers(4))], 14), jitter(rng, (158, 108, 72), 24)
    horizon = float(rng.uniform(0.52, 0.68))
    image = gradient(size, ((0, horizon, lighter(wall, 0.15), wall), (horizon, 1, floor, darker(floor, 0.2))))
    pen = _pen(image)
    pen.polygon([(0, horizon - 0.03), (1, horizon - 0.03), (1, horizon), (0, horizon)], lighter(wall, 0.5))
    variant, x = int(rng.integers(4)), float(rng.uniform(0.05, 0.65))
    if variant < 2:
        pen.polygon([(x, 0.06), (x + 0.3, 0.06), (x + 0.3, 0.36), (x, 0.36)], (248, 246, 240))
        pen.polygon([(x + 0.03, 0.09), (x + 0.27, 0.09), (x + 0.27, 0.33), (x + 0.03, 0.33)], (158, 204, 240))
    elif variant == 2:
        pen.polygon([(x, 0.1), (x + 0.24, 0.1), (x + 0.24, 0.28), (x, 0.28)], (120, 84, 58))
        pen.ellipse((x + 0.12, 0.19), (0.08, 0.06), jitter(rng, (200, 180, 120), 40))
    else:
        pen.polygon([(x, 0.2), (x + 0.32, 0.2), (x + 0.32, 0.24), (x, 0.24)], (120, 84, 58))
        pen.polygon([(x + 0.05, 0.08), (x + 0.12, 0.08), (x + 0.12, 0.2), (x + 0.05, 0.2)], (150, 90, 90))
    if rng.random() < 0.45:
        pen.ellipse((0.5, 0.88), (0.46, 0.1), jitter(rng, (178, 96, 92), 40))
    return image, horizon


def _space(size: int, rng: Generator) -> tuple[Image.Image, float]:
    hues: tuple[Colour, ...] = ((14, 14, 40), (34, 14, 48), (10, 26, 44))
    deep = hues[int(rng.integers(3))]
    image = gradient(size, ((0, 1, deep, lighter(deep, 0.16)),))
    pen, variant = _pen(image), int(rng.integers(3))
    for _ in range(10):
        place = (float(rng.random()), float(rng.random()))
        radius = float(rng.uniform(0.009, 0.016))
        pen.ellipse(place, (radius, radius), (236, 236, 250))
    if variant == 0:
        ground = jitter(rng, (136, 136, 146), 18)
        pen.ellipse((0.5, 1.5), (1.3, 0.85), ground)
        for x in (0.15, 0.6, 0.9):
            pen.ellipse((x, 0.82 + 0.08 * (x > 0.5)), (0.09, 0.025), darker(ground, 0.25))
    elif variant == 1:
        planet(pen, rng, side_place(rng))
    return image, 0.55


_LOCATIONS: dict[str, Callable[[int, Generator], tuple[Image.Image, float]]] = {
    "grass": _grass,
    "desert": _desert,
    "snow": _snow,
    "water": _water,
    "street": _street,
    "indoors": _indoors,
    "space": _space,
}
