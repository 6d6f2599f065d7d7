"""A miniature of Custom COCO with Uncommon Settings: three of its classes, with images of every kind."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.datasets.folders import write_classes

TRAINING = {"cell_phone": 12, "cup": 13, "potted_plant": 11}
TESTS = dict.fromkeys(TRAINING, 4)
UNCOMMON = {"cell_phone": 3, "cup": 2, "potted_plant": 3}


def write_custom_coco(root: Path) -> Path:
    """Write `root/custom_coco` in the DIAGen repository's layout and return the data root."""
    data = root / "custom_coco"
    write_classes(data / "train-val", TRAINING)
    write_classes(data / "test", TESTS)
    write_classes(data / "test_uncommon_context", UNCOMMON, "png")
    (data / "test_uncommon_context" / "source.txt").write_text("where the images came from")
    write_awkward(data / "test" / "cup", data / "test_uncommon_context" / "cup")
    return root


def write_awkward(photos: Path, drawings: Path) -> None:
    """Overwrite images with rotated, grey and CMYK photos and with pictures that have a palette or transparency."""
    turned = Image.Exif()
    turned[0x0112] = 8
    Image.new("RGB", (14, 6), "red").save(photos / "cup (1).jpg", exif=turned)
    Image.new("L", (5, 9), 90).save(photos / "cup (2).jpg")
    Image.new("CMYK", (1, 1), (10, 200, 30, 50)).save(photos / "cup (3).jpg")
    Image.new("P", (3, 3), 1).save(drawings / "cup (1).png", transparency=1)
    Image.new("LA", (300, 2), (80, 100)).save(drawings / "cup (2).png")
