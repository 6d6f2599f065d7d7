"""A user's photos, and what is read of a folder that was augmented."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

NOUNS = ("Grüne Bank", "cell_phone")
"""What the class folders are called."""


def write_photos(root: Path, *counts: int) -> Path:
    """A user's folder: two classes of so many photos each, or of `counts` each, JPEGs of noise; gives the folder."""
    rng = np.random.default_rng(0)
    for noun, count in zip(NOUNS, counts * 2 if len(counts) == 1 else counts, strict=True):
        (root / noun).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(root / noun / f"IMG {number}.jpg")
    return root


def lines(folder: Path) -> list[dict[str, str]]:
    """Of its provenance.csv."""
    with (folder / "provenance.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
