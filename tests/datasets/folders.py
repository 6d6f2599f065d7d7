"""Small artificial copies of folder datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datasets.base import Dataset
from datasets.image_folder import ImageFolder
from datasets.seeding import seed_from


def write_image(path: Path, seed: int = 0, size: tuple[int, int] = (12, 10)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_classes(folder: Path, counts: dict[str, int], ending: str = "jpg") -> None:
    """Write files such as `cup/cup (1).jpg` for each class, in reverse order; other folder names give other images."""
    for name, count in counts.items():
        for number in range(count, 0, -1):
            seed = seed_from(folder.name, name, number)
            write_image(folder / name / f"{name} ({number}).{ending}", seed)


def write_custom_coco(root: Path, per_class: int = 12) -> Path:
    """Write `root/custom_coco` with two classes, in the DIAGen repository's layout."""
    data = root / "custom_coco"
    write_classes(data / "train-val", {"cell_phone": per_class, "cup": per_class + 1})
    write_classes(data / "test", {"cell_phone": 3, "cup": 3})
    write_classes(data / "test_uncommon_context", {"cell_phone": 2, "cup": 2}, "png")
    (data / "test_uncommon_context" / "source.txt").write_text("where the images came from")
    return root


def open_folder(root: Path, **settings: Any) -> ImageFolder:
    """Open a user's folder with these dataset settings."""
    return ImageFolder(root, **settings)


def files(dataset: Dataset) -> list[str]:
    """The names of all images of a dataset."""
    return [example.identifier for example in dataset.examples(0)]
