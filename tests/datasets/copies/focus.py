"""A miniature of FOCUS: thirteen ordinary images per class in four settings, the database, and awkward cases."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from PIL import Image

CLASSES = ("bird", "car", "cat", "deer", "dog", "frog", "horse", "plane", "ship", "truck")
ORDINARY = 13
"""The number of images per class whose folder and category agree."""

CORRECTED = "truck-snow/101.jpeg"
"""The database says: a car, no human."""
CORRECTED_WITH_HUMAN = "cat-indoors/102.jpeg"
"""The database says: a dog on sand, where a cat would be uncommon, and a human."""
ROCKY_NIGHT = "horse-street/103.jpeg"
"""A horse at night in fog, on rocks and in water: two uncommon locations, three uncommon attributes."""
UNKNOWN_VALUES = "horse-forest/104.jpeg"
"""The database says: a deer at dusk in hail on a roof; its entry for humans is empty."""
UNKNOWN_CATEGORY = "ship-water/105.jpeg"
"""The database says: a submarine."""
NOT_ANNOTATED = "frog-water/106.jpeg"
"""An image without a row in the database."""
ABSENT = "bird-grass/107.jpeg"
"""A row in the database without a file."""
ROTATED, GREY, CMYK, PNG = (f"plane-night/{number}.jpeg" for number in (108, 109, 110, 111))
"""An image rotated by EXIF, a grey one, a CMYK one, and a PNG with a JPEG's name."""

Row = tuple[str, str | None, str | None, str | None, str | None, str | None]

AWKWARD_ROWS: tuple[Row, ...] = (
    (CORRECTED, "car", "day", "snowing", "snow, street", "no"),
    (CORRECTED_WITH_HUMAN, "dog", "none", "none", "indoors, sand", "yes"),
    (ROCKY_NIGHT, "horse", "night", "foggy", "rocks, water", "no"),
    (UNKNOWN_VALUES, "deer", "dusk", "hail", "roof", None),
    (UNKNOWN_CATEGORY, "submarine", "day", "sunny", "water", "no"),
    (ABSENT, "bird", "day", "sunny", "grass", "no"),
    *((name, "plane", "day", "sunny", "street", "no") for name in (ROTATED, GREY, CMYK, PNG)),
)


def write_focus(root: Path) -> Path:
    """Write `root/focus` in the published layout and return the data root."""
    folder = root / "focus"
    rows = [_row(name, number) for name in CLASSES for number in range(1, ORDINARY + 1)]
    for number, (name, *_) in enumerate([*rows, *AWKWARD_ROWS, (NOT_ANNOTATED,)]):
        write_jpeg(folder / str(name), number)
    (folder / ABSENT).unlink()
    _write_unusual_files(folder)
    write_database(folder / "annotations.db", [*rows, *AWKWARD_ROWS])
    return root


def write_database(path: Path, rows: Iterable[Row]) -> None:
    """Write the database; `rows` name the images without the leading slash that the database uses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE annotations (file_name TEXT PRIMARY KEY, category TEXT, time TEXT, weather TEXT, "
            "locations TEXT, humans TEXT)"
        )
        marks = ((f"/{name}", *values) for name, *values in rows)
        connection.executemany("INSERT INTO annotations VALUES (?, ?, ?, ?, ?, ?)", marks)
        connection.commit()


def write_jpeg(path: Path, number: int) -> None:
    """Write a small image whose colour identifies its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = (number * 37 % 256, number * 101 % 256, number % 256)
    Image.new("RGB", (12, 8), colour).save(path, "JPEG")


def _row(name: str, number: int) -> Row:
    setting = ("grass", "night", "rain", "water")[number % 4]
    time = "night" if setting == "night" else "day"
    weather = "raining" if setting == "rain" else "sunny"
    locations = {"grass": "forest, grass", "water": "water"}.get(setting, "none")
    return f"{name}-{setting}/{number}.jpeg", name, time, weather, locations, "yes" if number % 3 else "no"


def _write_unusual_files(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (12, 8), "navy").save(folder / ROTATED, "JPEG", exif=exif)
    Image.new("L", (12, 8), 90).save(folder / GREY, "JPEG")
    Image.new("CMYK", (12, 8), (10, 20, 30, 40)).save(folder / CMYK, "JPEG")
    png = io.BytesIO()
    Image.new("RGBA", (12, 8), (10, 200, 30, 128)).save(png, "PNG")
    (folder / PNG).write_bytes(png.getvalue())
    # Files that macOS leaves behind, and a file that is not an image.
    (folder / "car-grass" / "._1.jpeg").write_bytes(b"\0\5\26\7")
    (folder / "car-grass" / "notes.txt").write_text("not read")
