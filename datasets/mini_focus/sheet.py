"""A contact sheet of the miniature world.

python -m datasets.mini_focus.sheet docs/images/mini_focus.png
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from datasets.mini_focus.render import render
from datasets.mini_focus.scene import CATEGORIES, HELD_OUT, LOCATIONS, sample_scene
from datasets.scripts import run_script

SETTINGS = (
    *((location, "clear", "night" if location == "space" else "day") for location in LOCATIONS),
    *(("grass", weather, "day") for weather in ("fog", "rain", "snowfall")),
    ("street", "clear", "night"),
    ("street", "rain", "night"),
)
TILE, GAP = 64, 2


def main(out: Path, seed: int = 0) -> None:
    """Save one row of pictures per category, held-out ones last: first the locations, then weather and night."""
    categories = (*CATEGORIES, *HELD_OUT)
    step = TILE + GAP
    sheet = Image.new("RGB", (len(SETTINGS) * step - GAP, len(categories) * step - GAP), "white")
    for row, category in enumerate(categories):
        for column, (location, weather, time) in enumerate(SETTINGS):
            rng = np.random.default_rng([seed, row, column])
            scene = sample_scene(rng, category=category, location=location, weather=weather, time=time)
            sheet.paste(render(scene, TILE), (column * step, row * step))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out)


if __name__ == "__main__":
    run_script(main)
