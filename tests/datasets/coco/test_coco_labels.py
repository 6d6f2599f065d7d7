"""Labels of MS COCO 2017, which must equal those found with pycocotools."""

from __future__ import annotations

import io
import json
import random
from contextlib import redirect_stdout
from pathlib import Path

from pycocotools.coco import COCO

from datasets.coco import Coco
from datasets.coco_annotations import COCO_CLASSES, read_labels
from tests.datasets.copies.coco import (
    CATEGORY_IDS,
    CROWD,
    ONLY_CROWD,
    TIE,
    UNANNOTATED,
    annotation,
    instances,
    labels_of,
    noun_of,
)


def reference_labels(path: Path) -> dict[str, int]:
    """Map each file name to its label as the published code finds it with pycocotools."""
    with redirect_stdout(io.StringIO()):
        api = COCO(str(path))
    nouns = {
        image["file_name"]: api.cats[max(api.imgToAnns[number], key=lambda one: one["area"])["category_id"]]["name"]
        for number, image in api.imgs.items()
        if api.imgToAnns[number]
    }
    return {name: COCO_CLASSES.index(noun) for name, noun in nouns.items()}


def test_classes_are_the_official_80_in_the_order_of_their_ids(published: Path) -> None:
    classes = Coco(published).classes
    assert (len(classes), classes[0], classes[79]) == (80, "person", "toothbrush")
    assert [classes[CATEGORY_IDS.index(number)] for number in (13, 44, 90)] == ["stop sign", "bottle", "toothbrush"]


def test_labels_are_those_of_pycocotools(published: Path) -> None:
    data = published / "coco"
    expected = {
        f"{folder}/{name}": label
        for folder in ("train2017", "val2017")
        for name, label in reference_labels(data / "annotations" / f"instances_{folder}.json").items()
    }
    assert labels_of(Coco(published)) == expected


def test_labels_of_random_annotations_with_ties_are_those_of_pycocotools(tmp_path: Path) -> None:
    draw = random.Random(0)
    images = [
        (number, [annotation(number, draw.choice(CATEGORY_IDS), draw.randint(1, 4), draw.randint(0, 1)) for _ in own])
        for number, own in enumerate(range(draw.randint(0, 8)) for _ in range(300))
    ]
    content = instances(images)
    draw.shuffle(content["annotations"])
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    assert read_labels(path, "count").labels == reference_labels(path)
    content["annotations"] = [one for one in content["annotations"] if not one["iscrowd"]]
    (tmp_path / "no_crowds.json").write_text(json.dumps(content))
    assert read_labels(path, "ignore").labels == reference_labels(tmp_path / "no_crowds.json")


def test_crowds_compete_unless_they_are_ignored(published: Path) -> None:
    counted, ignored = Coco(published), Coco(published, crowd="ignore")
    assert (noun_of(counted, CROWD), noun_of(ignored, CROWD)) == ("person", "dog")
    assert (noun_of(counted, ONLY_CROWD), noun_of(ignored, ONLY_CROWD)) == ("sheep", None)


def test_of_equally_large_objects_the_first_counts_and_images_without_any_are_left_out(published: Path) -> None:
    dataset = Coco(published)
    assert noun_of(dataset, TIE) == "cup"
    assert noun_of(dataset, UNANNOTATED) is None
