"""Helpers that write a user's photos and read the folder that augmentation made of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

NOUNS = ("Grüne Bank", "cell_phone")
"""The names of the class folders."""


def write_photos(root: Path, *counts: int) -> Path:
    """Write two class folders of noise JPEGs, with one count for both or one for each, and return the root folder."""
    rng = np.random.default_rng(0)
    for noun, count in zip(NOUNS, counts * 2 if len(counts) == 1 else counts, strict=True):
        (root / noun).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(root / noun / f"IMG {number}.jpg")
    return root


def lines(folder: Path) -> list[dict[str, str]]:
    """The rows of the folder's provenance.csv."""
    with (folder / "provenance.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
