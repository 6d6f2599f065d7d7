"""The layout of FOCUS on disk: its folders and images, and the class and attributes of an image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from datasets.base import Example
from datasets.few_shot import natural_key
from datasets.focus_attributes import count_uncommon
from datasets.focus_database import Annotation

PUBLISHED = {
    "bird": 2467,
    "car": 2685,
    "cat": 2822,
    "deer": 1707,
    "dog": 2974,
    "frog": 1434,
    "horse": 2115,
    "plane": 1735,
    "ship": 1761,
    "truck": 1115,
}
"""Number of published annotated images of each class, in label order."""

SETTINGS = ("desert", "fog", "forest", "grass", "indoors", "night", "rain", "snow", "street", "water")
LABEL_CORRECTIONS = ("all", "without_humans")

_LABELS = {name: label for label, name in enumerate(PUBLISHED)}

INSTRUCTIONS = """\
FOCUS is downloaded by hand, under its authors' terms (https://github.com/priyathamkat/focus, LICENSE.md):

1. Open https://umd.box.com/s/w7tvxer0wur7vtsoqcemfopgshn6zklv in a browser and download focus.zip.
   (If a command line fetched it and the file is small, it is the web page, not the archive.)
2. Unzip it so that the data root (--data-root or DIAGEN_DATA) contains:

       focus/annotations.db
       focus/bird-desert/*.jpeg
       focus/bird-fog/*.jpeg
       ...                         a folder for each class and setting

   Rename, move and delete nothing: the database names the images by these paths.
3. Check what is there: python -m benchmark prepare focus --data-root DATA_ROOT --verify"""


def image_names(root: Path) -> list[str]:
    """The paths of all images in folders of the ten classes, relative to `root`, in natural order."""
    return _names(root, "*.jpeg")


def named_otherwise(root: Path, absent: Iterable[str]) -> str:
    """The first file that differs from an absent image only in its suffix (`1.jpg`, not `1.jpeg`); empty if none."""
    stems = {PurePosixPath(name).with_suffix("") for name in absent}
    return next((name for name in _names(root, "*") if PurePosixPath(name).with_suffix("") in stems), "")


def _names(root: Path, pattern: str) -> list[str]:
    paths = (path for path in root.glob(f"*-*/{pattern}") if not path.name.startswith("."))
    names = (path.relative_to(root).as_posix() for path in paths if _is_class_folder(path.parent.name))
    return sorted(names, key=lambda name: (natural_key(name), name))


def labelled_example(name: str, annotation: Annotation | None, label_corrections: str) -> Example:
    """The image `name` with the class and the attributes that its folder and the database give it."""
    folder, setting = _class_and_setting(name.partition("/")[0])
    if annotation is None:
        return Example(name, _LABELS[folder], {"setting": setting})
    category = annotation.category if annotation.category in PUBLISHED else folder
    corrected = label_corrections == "all" or annotation.humans == "no"
    return Example(name, _LABELS[category if corrected else folder], _attributes(setting, category, annotation))


def other_folders(root: Path) -> list[str]:
    """One line for each folder of an unpublished class or setting."""
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    lines = []
    for folder in folders:
        _, setting = _class_and_setting(folder)
        if not _is_class_folder(folder):
            lines.append(f"{root / folder}: not a folder of FOCUS; its images are not used")
        elif setting not in SETTINGS:
            lines.append(
                f"{root / folder}: '{setting}' is not one of the settings of FOCUS; its images are used all the same"
            )
    return lines


def _attributes(setting: str, category: str, annotation: Annotation) -> dict[str, str]:
    time, weather, locations = annotation.time, annotation.weather, annotation.locations
    attributes = {
        "uncommon_attributes": str(count_uncommon(category, time, weather, locations)),
        "setting": setting,
        "time": time,
        "weather": weather,
        "locations": locations,
        "humans": annotation.humans,
    }
    return {attribute: value for attribute, value in attributes.items() if value}


def _is_class_folder(folder: str) -> bool:
    name, setting = _class_and_setting(folder)
    return name in PUBLISHED and bool(setting)


def _class_and_setting(folder: str) -> tuple[str, str]:
    name, _, setting = folder.partition("-")
    return name, setting
