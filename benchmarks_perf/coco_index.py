"""Opening COCO: Python's json on the annotation files, against the typed decoder and the index that it writes."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks_perf import report, seconds
from benchmarks_perf.own_process import in_own_process, peak_memory
from datasets.coco import Coco
from datasets.coco_annotations import COCO_CLASSES
from datasets.scripts import run_script

POINTS_PER_POLYGON = (6, 37)


def main(
    images: int = 118_287,
    annotations: int = 860_001,
    val_images: int = 5_000,
    val_annotations: int = 36_781,
) -> None:
    """Write full-size annotation files and empty image files, and open them each way in a new process."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["DIAGEN_STORE"] = str(root / "store")
        size = _write(root / "coco", "train2017", images, annotations)
        size += _write(root / "coco", "val2017", val_images, val_annotations)
        plain, plain_memory = in_own_process(_measured, _load_json, root)
        first, first_memory = in_own_process(_measured, Coco, root)
        second, second_memory = in_own_process(_measured, Coco, root)
        splits, _ = in_own_process(_measured, _open_and_split, root)
    what = f"{images + val_images:,} images, {size / 1e6:.0f} MB of annotations"
    report(f"first opening, {what}", plain, first, "s")
    report("second opening", plain, second, "s")
    report("second opening and the splits of a seed", plain, splits, "s")
    for opening, memory in (("first", first_memory), ("second", second_memory)):
        print(f"peak memory, {opening} opening: plain {plain_memory:.2f} GB, ours {memory:.2f} GB")


def _measured(work: Callable[[Path], object], root: Path) -> tuple[float, float]:
    """Seconds of `work`, and the peak memory of its process in GB."""
    return seconds(lambda: work(root)), peak_memory() / 1e9


def _load_json(root: Path) -> None:
    """What every reader without an index does first; one file at a time."""
    for path in sorted((root / "coco" / "annotations").iterdir()):
        with path.open(encoding="utf-8") as file:
            json.load(file)


def _open_and_split(root: Path) -> None:
    Coco(root).splits(0)


def _write(data: Path, folder: str, images: int, annotations: int) -> int:
    """Write an annotation file and its empty images; return the annotation file's size in bytes."""
    draw = random.Random(0)
    polygons = [_polygon(draw) for _ in range(1000)]
    (data / folder).mkdir(parents=True)
    for number in range(images):
        (data / folder / f"{number:012d}.jpg").touch()
    path = data / "annotations" / f"instances_{folder}.json"
    path.parent.mkdir(exist_ok=True)
    categories = [{"supercategory": "thing", "id": number, "name": noun} for number, noun in enumerate(COCO_CLASSES)]
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"info": {{}}, "categories": {json.dumps(categories)}, "images": [')
        file.write(",".join(json.dumps(_image(number)) for number in draw.sample(range(images), images)))
        file.write('], "annotations": [')
        for number in range(annotations):
            file.write("," * (number > 0) + _annotation(draw, number, images, draw.choice(polygons)))
        file.write("]}")
    return path.stat().st_size


def _image(number: int) -> dict[str, str | int]:
    name = f"{number:012d}.jpg"
    return {
        "license": 3,
        "file_name": name,
        "coco_url": f"http://images.cocodataset.org/train2017/{name}",
        "height": 480,
        "width": 640,
        "date_captured": "2013-11-14 17:02:52",
        "flickr_url": f"http://farm9.staticflickr.com/8186/{name}",
        "id": number,
    }


def _polygon(draw: random.Random) -> str:
    points = draw.randint(*POINTS_PER_POLYGON)
    return json.dumps([[round(draw.uniform(0, 640), 2) for _ in range(2 * points)]])


def _annotation(draw: random.Random, number: int, images: int, polygon: str) -> str:
    area = round(draw.uniform(1, 300_000), 4)
    return (
        f'{{"segmentation": {polygon}, "area": {area}, "iscrowd": {int(number % 85 == 0)}, '
        f'"image_id": {draw.randrange(images)}, "bbox": [473.07, 395.93, 38.65, 28.67], '
        f'"category_id": {draw.randrange(80)}, "id": {number}}}'
    )


if __name__ == "__main__":
    run_script(main)
