"""Pictures and words at given positions, for figures that are made of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from PIL.Image import Image

GAP = 0.03
"""Inches between pictures."""


class Canvas:
    """A figure of `width` × `height` inches; positions are in inches from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height))
        self._width, self._height = width, height

    def picture(self, image: Image, left: float, top: float, side: float) -> None:
        """Draw a square picture in a cell of this side; its pixels stay visible as pixels."""
        inner = side - GAP
        box = (left / self._width, 1 - (top + inner) / self._height, inner / self._width, inner / self._height)
        axes = self.figure.add_axes(box)
        axes.imshow(image, interpolation="nearest")
        axes.set_axis_off()

    def text(self, left: float, top: float, words: str, **style: Any) -> None:
        """Write words whose upper left corner is at this position, in 8.5 points by default."""
        look = {"ha": "left", "va": "top", "fontsize": 8.5, **style}
        self.figure.text(left / self._width, 1 - top / self._height, words, **look)
