"""A miniature of MS COCO 2017: per category ten images in train2017 and one in val2017, plus awkward cases.

An ordinary image has three annotations with polygons, the largest of which is its class. Ids have the official gaps;
images, annotations and categories are in no particular order; each folder holds an image that is not listed.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from datasets.coco import Coco
from datasets.coco_annotations import COCO_CLASSES

UNUSED_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
CATEGORY_IDS = [number for number in range(1, 91) if number not in UNUSED_IDS]

UNANNOTATED, CROWD, ONLY_CROWD, TIE, GREY, ROTATED = range(900_001, 900_007)
"""Ids of train2017's awkward images: no annotation; a crowd of people larger than a dog; only a crowd of sheep;
a cup and a bowl of equal size; a grey cat; a car that EXIF rotates by 90°."""

Json = dict[str, Any]


def write_coco(root: Path) -> Path:
    """Write `root/coco` in the published layout and return the data root."""
    train = [_ordinary(10 * label + number + 1, label) for label in range(80) for number in range(10)]
    _write_folder(root / "coco", "train2017", [*train, *_awkward()])
    _write_folder(root / "coco", "val2017", [_ordinary(5_000 + label, label) for label in range(80)])
    (root / "coco" / "train2017" / file_name(ROTATED)).write_bytes(_jpeg("RGB", rotated=True))
    (root / "coco" / "train2017" / file_name(GREY)).write_bytes(_jpeg("L"))
    return root


def file_name(image_id: int) -> str:
    return f"{image_id:012d}.jpg"


def category_id(noun: str) -> int:
    return CATEGORY_IDS[COCO_CLASSES.index(noun)]


def annotation(image_id: int, category: int, area: float, crowd: int = 0) -> Json:
    """An annotation in the published format, without its own id."""
    outline = {"counts": [3, 4, 93], "size": [10, 10]} if crowd else [[1.5, 2.0, 8.25, 2.0, 8.25, 9.0]]
    return {
        "segmentation": outline,
        "area": area,
        "iscrowd": crowd,
        "image_id": image_id,
        "bbox": [1.5, 2.0, 6.75, 7.0],
        "category_id": category,
    }


def instances(images: list[tuple[int, list[Json]]]) -> Json:
    """The content of an annotation file for images given as (id, annotations)."""
    annotations = [one | {"id": 10_000 + number} for number, one in enumerate(a for _, own in images for a in own)]
    return {
        "info": {"description": "a miniature", "year": 2017},
        "licenses": [{"id": 1, "name": "none"}],
        "images": [{"id": number, "file_name": file_name(number), "height": 10, "width": 12} for number, _ in images],
        "annotations": annotations,
        "categories": [
            {"supercategory": "thing", "id": number, "name": noun}
            for number, noun in reversed(list(zip(CATEGORY_IDS, COCO_CLASSES, strict=True)))
        ],
    }


def _ordinary(image_id: int, label: int) -> tuple[int, list[Json]]:
    others = [CATEGORY_IDS[(label + step) % 80] for step in (7, 31)]
    areas = [(others[0], 20.5), (CATEGORY_IDS[label], 40 + image_id / 7), (others[1], 30)]
    return image_id, [annotation(image_id, category, area) for category, area in areas]


def _awkward() -> list[tuple[int, list[Json]]]:
    person, dog, sheep = (category_id(noun) for noun in ("person", "dog", "sheep"))
    cup, bowl, cat, car = (category_id(noun) for noun in ("cup", "bowl", "cat", "car"))
    return [
        (UNANNOTATED, []),
        (CROWD, [annotation(CROWD, dog, 10), annotation(CROWD, person, 90.5, crowd=1)]),
        (ONLY_CROWD, [annotation(ONLY_CROWD, sheep, 50, crowd=1)]),
        (TIE, [annotation(TIE, cat, 3), annotation(TIE, cup, 20), annotation(TIE, bowl, 20)]),
        (GREY, [annotation(GREY, cat, 12)]),
        (ROTATED, [annotation(ROTATED, car, 12)]),
    ]


def _write_folder(data: Path, folder: str, images: list[tuple[int, list[Json]]]) -> None:
    shuffled = random.Random(0).sample(images, len(images))
    path = data / "annotations" / f"instances_{folder}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(instances(shuffled)))
    (data / folder).mkdir()
    plain = _jpeg("RGB")
    for number, _ in [*shuffled, (999_999, [])]:
        (data / folder / file_name(number)).write_bytes(_with_comment(plain, f"{folder} {number}"))


def _jpeg(mode: str, rotated: bool = False) -> bytes:
    exif = Image.Exif()
    if rotated:
        exif[0x0112] = 6
    file = io.BytesIO()
    Image.new(mode, (12, 10), 120).save(file, "JPEG", exif=exif)
    return file.getvalue()


def _with_comment(jpeg: bytes, comment: str) -> bytes:
    """The same picture as a different file: a comment segment follows the start of the image."""
    text = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def edit(root: Path, folder: str, change: Callable[[Json], Any]) -> Path:
    """Change the annotation file of a folder and return its path."""
    path = root / "coco" / "annotations" / f"instances_{folder}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def damage(root: Path, identifier: str) -> Path:
    """Cut a file short."""
    path = root / "coco" / identifier
    path.write_bytes(path.read_bytes()[:-20])
    return path


def labels_of(dataset: Coco) -> dict[str, int]:
    return {example.identifier: example.label for example in dataset.examples(0)}


def noun_of(dataset: Coco, image_id: int) -> str | None:
    label = labels_of(dataset).get(f"train2017/{file_name(image_id)}")
    return None if label is None else COCO_CLASSES[label]
