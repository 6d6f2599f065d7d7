"""A pen that draws outlined shapes in an object's own coordinates, and colours to draw with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.random import Generator
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

_TURN = tuple((math.cos(step * math.pi / 14), math.sin(step * math.pi / 14)) for step in range(28))

BASE_COLOURS: dict[str, Colour] = {
    "red": (212, 42, 40), "orange": (240, 136, 28), "yellow": (242, 208, 44),
    "green": (52, 158, 66), "blue": (44, 92, 212), "purple": (136, 60, 180),
    "pink": (244, 132, 178), "white": (240, 240, 236), "black": (46, 46, 54),
}  # fmt: skip


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Move from the first colour towards the second by a share (0 to 1)."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float) -> Colour:
    """Mix with white."""
    return mix(colour, (255, 255, 255), share)


def darker(colour: Colour, share: float) -> Colour:
    """Mix with black."""
    return mix(colour, (0, 0, 0), share)


def jitter(rng: Generator, colour: Colour, spread: int) -> Colour:
    """Shift the brightness of a colour at random, and each channel by up to half as much on its own."""
    common = int(rng.integers(-spread, spread + 1))
    own = rng.integers(-spread // 2, spread // 2 + 1, size=3).tolist()
    red, green, blue = (min(max(c + common + o, 0), 255) for c, o in zip(colour, own, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Paint:
    """The shades of one object: its colour, lighter and darker forms, an outline and a second colour."""

    base: Colour
    light: Colour
    dark: Colour
    outline: Colour
    accent: Colour


def mix_paint(name: str, rng: Generator) -> Paint:
    """Make the paint for a colour word; a black object has a grey outline that shows on dark ground."""
    base = jitter(rng, BASE_COLOURS[name], 16)
    outline = (118, 118, 128) if name == "black" else darker(base, 0.72)
    accents = [colour for word, colour in BASE_COLOURS.items() if word not in (name, "black")]
    accent = jitter(rng, accents[int(rng.integers(len(accents)))], 16)
    return Paint(base, lighter(base, 0.45), darker(base, 0.3), outline, accent)


class Pen:
    """Draws in coordinates where the object fills about -1 to 1 and y points down."""

    def __init__(
        self, image: Image.Image, centre: Point, scale: Point, degrees: float = 0.0, line: int = 3,
        outline: Colour = (30, 30, 34), tint: Callable[[Colour], Colour] = lambda colour: colour,
    ) -> None:  # fmt: skip
        """Place the object; `scale` is pixels per unit (negative x flips), `tint` changes each colour for the light."""
        self._draw = ImageDraw.Draw(image)
        self._centre, self._scale = centre, scale
        self._cosine, self._sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        self._line, self._outline, self._tint = line, outline, tint

    def place(self, point: Point) -> Point:
        """Map a point of the object to one of the image."""
        x, y = point[0] * self._scale[0], point[1] * self._scale[1]
        return (
            self._centre[0] + x * self._cosine - y * self._sine,
            self._centre[1] + x * self._sine + y * self._cosine,
        )

    def polygon(self, points: Sequence[Point], fill: Colour, *, outlined: bool = True) -> None:
        """Fill a closed shape with straight sides."""
        placed = [self.place(point) for point in points]
        self._draw.polygon(placed, fill=self._tint(fill))
        if outlined and self._line:
            closed = [*placed, *placed[:2]]
            self._draw.line(closed, fill=self._tint(self._outline), width=self._line, joint="curve")

    def smooth(self, points: Sequence[Point], fill: Colour, *, outlined: bool = True) -> None:
        """Fill a closed shape with its corners rounded off."""
        self.polygon(_cut_corners(_cut_corners(points)), fill, outlined=outlined)

    def ellipse(
        self,
        centre: Point,
        radii: Point,
        fill: Colour,
        *,
        part: tuple[int, int] = (0, 28),
        outlined: bool = True,
    ) -> None:
        """Fill an ellipse, or the part of it between two of 28 steps (0 is right, 7 is down)."""
        steps = (_TURN[step % 28] for step in range(*part))
        points = [(centre[0] + radii[0] * x, centre[1] + radii[1] * y) for x, y in steps]
        self.polygon(points, fill, outlined=outlined)

    def stroke(self, points: Sequence[Point], colour: Colour, width: float, *, outlined: bool = True) -> None:
        """Draw a thick open line; `width` is in object units."""
        placed = [self.place(point) for point in points]
        pixels = max(3, round(width * self._scale[1]))
        if outlined and self._line:
            outline = self._tint(self._outline)
            self._draw.line(placed, fill=outline, width=pixels + 2 * self._line - 2, joint="curve")
        self._draw.line(placed, fill=self._tint(colour), width=pixels, joint="curve")


def _cut_corners(points: Sequence[Point]) -> list[Point]:
    """One round of Chaikin's corner cutting: each side is reduced to its middle half."""
    result: list[Point] = []
    for (x, y), (u, v) in zip(points, [*points[1:], points[0]], strict=True):
        result += [(0.75 * x + 0.25 * u, 0.75 * y + 0.25 * v), (0.25 * x + 0.75 * u, 0.25 * y + 0.75 * v)]
    return result
