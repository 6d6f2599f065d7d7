"""COCO's instance annotations, read as one label per image.

`instances_<folder>.json` is one object of lists: `images` (id, file_name), `annotations` (image_id, category_id, area,
iscrowd, segmentation) and `categories` (id, name). Polygons (`segmentation`) make up most of the file and are skipped
while decoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from datasets.errors import UserError

COCO_CLASSES = tuple(
    re.split(
        r",\s+",
        """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant,
        stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe,
        backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat,
        baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl,
        banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant,
        bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink,
        refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush""",
    )
)
"""The 80 categories in the official order, which is that of their ids (1 to 90, with gaps)."""

CROWD_CHOICES = ("count", "ignore")

PREPARE = "`python -m benchmark prepare coco` fetches what is missing"


# gc=False: these hold no other containers, so the garbage collector need not track 860,000 of them.
class _Image(msgspec.Struct, gc=False):
    id: int
    file_name: str


class _Annotation(msgspec.Struct, gc=False):
    image_id: int
    category_id: int
    area: float
    iscrowd: int = 0


class _Category(msgspec.Struct, gc=False):
    id: int
    name: str


class _Instances(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


class ImageLabels(msgspec.Struct, frozen=True):
    """`labels`: file name → index into `COCO_CLASSES`, for images that have a label, in the file's order;
    `listed`: number of images in the annotation file, with or without a label."""

    labels: dict[str, int]
    listed: int


def read_labels(path: Path, crowd: str) -> ImageLabels:
    """Label each image with the category of its annotation of largest area; the first in the file wins a tie.

    Args:
        crowd: `count` lets crowd annotations (`iscrowd` 1) compete, as the published code does; `ignore` leaves them
            out. An image without any annotation left has no label.

    Raises:
        UserError: the file is missing, truncated, not JSON, of another schema, or has other categories.
    """
    instances = _decode(path)
    label_of = _labels_by_category(instances.categories, path)
    largest = _largest(instances.annotations, crowd)
    files = {image.id: image.file_name for image in instances.images}
    try:
        labels = {name: label_of[largest[number].category_id] for number, name in files.items() if number in largest}
    except KeyError as error:
        raise UserError(
            f"{path}: annotations of a category {error} that the file does not list; {how_to_complete(path.parent)}"
        ) from None
    return ImageLabels(labels, len(instances.images))


def how_to_complete(folder: Path) -> str:
    """Advice for a COCO folder that lacks files. `prepare` fetches only missing folders, not missing files."""
    return f"move {folder} away, then {PREPARE}" if folder.is_dir() else PREPARE


def _decode(path: Path) -> _Instances:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: the annotation file cannot be read ({error.strerror}); {how_to_complete(path.parent)}"
        ) from None
    try:
        return msgspec.json.decode(content, type=_Instances)
    except msgspec.ValidationError as error:
        raise UserError(
            f"{path}: not in the format of COCO's instances ({error}); {how_to_complete(path.parent)}"
        ) from None
    except (ValueError, RecursionError) as error:
        is_web_page = content[:100].lstrip().startswith(b"<")
        what = "a web page instead of annotations" if is_web_page else "damaged or cut short"
        raise UserError(f"{path}: {what} ({error}); {how_to_complete(path.parent)}") from None


def _labels_by_category(categories: Iterable[_Category], path: Path) -> Mapping[int, int]:
    ordered = sorted(categories, key=lambda category: category.id)
    names = tuple(category.name for category in ordered)
    if names != COCO_CLASSES:
        pairs = zip((*names, "nothing"), (*COCO_CLASSES, "nothing"), strict=False)
        number, (here, there) = next((i, pair) for i, pair in enumerate(pairs, 1) if pair[0] != pair[1])
        raise UserError(
            f"{path}: {len(names)} categories that are not the 80 of COCO 2017 "
            f"(number {number} is '{here}' instead of '{there}'); {how_to_complete(path.parent)}"
        )
    return {category.id: label for label, category in enumerate(ordered)}


def _largest(annotations: Iterable[_Annotation], crowd: str) -> dict[int, _Annotation]:
    """Image id → its annotation of largest area."""
    largest: dict[int, _Annotation] = {}
    for annotation in annotations:
        if annotation.iscrowd and crowd == "ignore":
            continue
        best = largest.get(annotation.image_id)
        if best is None or annotation.area > best.area:
            largest[annotation.image_id] = annotation
    return largest
