"""A miniature of a user's folder: class folders as they look after years of work on three computers."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from tests.datasets.folders import write_classes, write_image

CAFE, CUP, PHONE = "Café table", "cup", "n0299"


def write_image_folder(root: Path) -> Path:
    """Write three classes, one with a decomposed Unicode name, and files to be ignored; return the data root."""
    data = root / "my photos"
    cafe = data / unicodedata.normalize("NFD", CAFE)
    write_classes(data, {cafe.name: 12, CUP: 13, PHONE: 10})
    write_classes(data / "uncommon", {CAFE: 2, CUP: 2, PHONE: 2}, "png")
    write_image(cafe / "summer" / "Terrasse été.jpg", seed=50)
    write_image(root / "elsewhere" / "linked.jpg", seed=51)
    write_image(root / "elsewhere" / "album" / "1.jpg", seed=52)
    (data / CUP / "linked.jpg").symlink_to(Path("../../elsewhere/linked.jpg"))
    (data / CUP / "album").symlink_to(Path("../../elsewhere/album"))
    (data / "classes.yaml").write_text(f"{PHONE}: {{noun: cell phone, name: Mobile phone}}\n", encoding="utf-8")
    for name in (".DS_Store", "Thumbs.db", "notes.txt"):
        (data / CUP / name).write_bytes(b"no image")
    write_image(data / CUP / ".thumbnails" / "1.jpg")
    return data
