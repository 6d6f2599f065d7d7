"""The drawing of each category, in coordinates where the object fills about -1 to 1."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from datasets.mini_focus.canvas import Paint, Pen
from datasets.mini_focus.objects.animals import draw_bird, draw_fish
from datasets.mini_focus.objects.plants import draw_mushroom, draw_tree
from datasets.mini_focus.objects.structures import draw_house, draw_lamp
from datasets.mini_focus.objects.things import draw_bucket, draw_mug, draw_umbrella
from datasets.mini_focus.objects.vehicles import draw_boat, draw_car

DRAWERS: dict[str, Callable[[Pen, str, Paint, Generator], None]] = {
    "bird": draw_bird,
    "boat": draw_boat,
    "bucket": draw_bucket,
    "car": draw_car,
    "fish": draw_fish,
    "house": draw_house,
    "lamp": draw_lamp,
    "mug": draw_mug,
    "mushroom": draw_mushroom,
    "tree": draw_tree,
    "umbrella": draw_umbrella,
}

FOOT: dict[str, float] = {
    "compact": 0.6, "sports": 0.6, "camper": 0.6, "sailing": 0.85, "steam": 0.7, "rowing": 0.5,
    "country": 0.85, "modern": 0.8, "coffee": 0.85, "tea": 0.75, "tropical": 0.8, "slender": 0.5,
    "puffer": 0.85, "flying": 0.6, "pickup": 0.6, "motor": 0.6, "jelly": 0.85, "swimming": 0.6,
}  # fmt: skip
"""The height of the lowest point of a sub-type, where it is not 0.95."""

STEADY = ("car", "boat", "house")
"""Categories that are tilted less."""
