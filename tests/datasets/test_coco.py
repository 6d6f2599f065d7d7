"""MS COCO 2017: labels, the index that is kept, splits, and what is said about broken copies."""

from __future__ import annotations

import io
import json
import logging
import os
import random
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from datasets import coco_index
from datasets.base import Example
from datasets.coco import Coco
from datasets.coco_annotations import COCO_CLASSES, read_labels
from datasets.errors import UserError
from datasets.few_shot import split_pool
from datasets.images import file_digest
from tests.datasets.copies.coco import (
    CATEGORY_IDS,
    CROWD,
    GREY,
    ONLY_CROWD,
    ROTATED,
    TIE,
    UNANNOTATED,
    annotation,
    file_name,
    instances,
    write_coco,
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "store"))
    return tmp_path / "store" / "coco-index"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that no test changes."""
    return write_coco(tmp_path_factory.mktemp("published"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy to change."""
    return write_coco(tmp_path)


def edit(root: Path, folder: str, change: Callable[[dict[str, Any]], Any]) -> Path:
    path = root / "coco" / "annotations" / f"instances_{folder}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def labels_of(dataset: Coco) -> dict[str, int]:
    return {example.identifier: example.label for example in dataset.examples(0)}


def noun_of(dataset: Coco, image_id: int) -> str | None:
    label = labels_of(dataset).get(f"train2017/{file_name(image_id)}")
    return None if label is None else COCO_CLASSES[label]


def reference_labels(path: Path) -> dict[str, int]:
    """File name → label as the published code finds it with pycocotools."""
    with redirect_stdout(io.StringIO()):
        api = COCO(str(path))
    nouns = {
        image["file_name"]: api.cats[max(api.imgToAnns[number], key=lambda one: one["area"])["category_id"]]["name"]
        for number, image in api.imgs.items()
        if api.imgToAnns[number]
    }
    return {name: COCO_CLASSES.index(noun) for name, noun in nouns.items()}


def forbidden(*_: object, **__: object) -> Any:
    raise AssertionError("this should not be called")


# Labels


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


# Splits


def test_a_class_is_shuffled_as_any_other_dataset_s(published: Path) -> None:
    dataset = Coco(published)
    splits = dataset.splits(5)
    for label in (0, 15, 79):
        own = [Example(name, label) for name, of in labels_of(dataset).items() if of == label and "train2017" in name]
        pool, rest = split_pool(dataset.classes[label], own, 5)
        assert list(splits.train_pool[label]) == pool
        assert [example for example in splits.validation if example.label == label] == rest


def test_validation_comes_from_train2017_and_the_test_set_is_all_of_val2017(published: Path) -> None:
    splits = Coco(published).splits(0)
    assert all(example.identifier.startswith("train2017/") for example in splits.validation)
    assert sorted(splits.tests) == ["test"]
    assert [e.identifier for e in splits.tests["test"]] == [f"val2017/{file_name(5_000 + i)}" for i in range(80)]


def test_validation_takes_no_more_images_per_class_than_set(published: Path) -> None:
    splits = Coco(published, validation_per_class=1).splits(0)
    assert [example.label for example in splits.validation] == list(range(80))


def test_validation_on_val2017_is_the_test_set(published: Path) -> None:
    splits = Coco(published, validation="val2017").splits(0)
    assert splits.validation == splits.tests["test"]
    assert splits.train_pool == Coco(published).splits(0).train_pool


def test_a_class_without_test_images_is_no_mistake(root: Path) -> None:
    toaster = CATEGORY_IDS[COCO_CLASSES.index("toaster")]
    edit(root, "val2017", lambda c: c.update(annotations=[a for a in c["annotations"] if a["category_id"] != toaster]))
    tests = Coco(root).splits(0).tests["test"]
    assert {example.label for example in tests} == set(range(80)) - {COCO_CLASSES.index("toaster")}


def test_a_class_with_too_few_images_is_named(root: Path) -> None:
    for number in range(1, 3):  # ten people and a crowd of them
        (root / "coco" / "train2017" / file_name(number)).unlink()
    assert len(Coco(root, unreadable="skip").splits(0).train_pool[0]) == 8
    (root / "coco" / "train2017" / file_name(3)).unlink()
    with pytest.raises(
        UserError, match=r"train2017: class 'person' has 8 images, 9 are needed; move .*prepare coco"
    ) as e:
        Coco(root, unreadable="skip").splits(0)
    assert "\n" not in str(e.value)


# Images


def test_images_load_upright_in_rgb_and_digests_follow_content(published: Path) -> None:
    dataset = Coco(published)
    grey, rotated = (Example(f"train2017/{file_name(number)}", 0) for number in (GREY, ROTATED))
    assert dataset.load(grey).mode == "RGB"
    assert dataset.load(rotated).size == (10, 12)
    assert dataset.digest(grey) == file_digest(published / "coco" / grey.identifier)


def damage(root: Path, identifier: str) -> Path:
    """A file that was cut short."""
    path = root / "coco" / identifier
    path.write_bytes(path.read_bytes()[:-20])
    return path


def test_an_image_that_is_cut_short_is_named_with_what_to_do_when_it_is_drawn(root: Path) -> None:
    path = damage(root, Coco(root).splits(0).tests["test"][0].identifier)
    with pytest.raises(UserError, match=rf"{path.name}: not a readable image .*--set unreadable=skip"):
        Coco(root).splits(0)


def test_an_image_that_is_cut_short_is_left_out_and_changes_nothing_else(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It gives its place in the train pool to the first that would have validated."""
    whole = Coco(root).splits(0)
    damage(root, whole.train_pool[3][2].identifier)
    damage(root, whole.tests["test"][0].identifier)
    left = Coco(root, unreadable="skip").splits(0)
    assert "2 unreadable image files skipped" in caplog.text
    first = next(example for example in whole.validation if example.label == 3)
    pool = whole.train_pool[3]
    assert left.train_pool == (*whole.train_pool[:3], (*pool[:2], *pool[3:], first), *whole.train_pool[4:])
    assert left.validation == tuple(example for example in whole.validation if example != first)
    assert left.tests["test"] == whole.tests["test"][1:]


def test_images_are_looked_at_once_whatever_is_drawn(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Coco(published)
    first = dataset.splits(0)
    monkeypatch.setattr("datasets.quick_check._looks_whole", forbidden)
    assert dataset.splits(0) == first


# The index


def test_the_second_opening_reads_neither_annotations_nor_folders(
    published: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = Coco(published)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "instances_train2017.json: reading the annotations, this once" in caplog.text
    caplog.clear()
    monkeypatch.setattr(coco_index, "read_labels", forbidden)
    monkeypatch.setattr(os, "scandir", forbidden)
    second = Coco(published)
    assert list(second.examples(0)) == list(first.examples(0))
    assert second.splits(1) == first.splits(1)
    assert not caplog.records


def test_an_index_is_made_again_when_annotations_change(root: Path) -> None:
    before = labels_of(Coco(root))
    edit(root, "train2017", lambda content: content["annotations"].append(annotation(UNANNOTATED, 1, 5)))
    assert labels_of(Coco(root)) == before | {f"train2017/{file_name(UNANNOTATED)}": 0}


def test_an_index_is_made_again_when_annotations_of_the_same_size_are_newer(root: Path) -> None:
    Coco(root)
    path = edit(root, "val2017", lambda content: content["categories"][0].update(name="toothbrusj"))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    with pytest.raises(UserError, match="toothbrusj"):
        Coco(root)


def test_an_index_is_made_again_when_a_missing_image_comes(root: Path) -> None:
    image = root / "coco" / "val2017" / file_name(5_000)
    content = image.read_bytes()
    image.unlink()
    with pytest.raises(UserError, match="1 of 80 labelled images are missing"):
        Coco(root)
    image.write_bytes(content)
    assert len(Coco(root).splits(0).tests["test"]) == 80


@pytest.mark.parametrize("damage", [b"", b"<html>", b"PK\x03\x04 cut short"])
def test_a_damaged_index_is_made_again(
    published: Path, cache: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    expected = list(Coco(published).examples(0))
    whole = {path: path.read_bytes() for path in cache.iterdir()}
    assert len(whole) == 2
    for path in whole:
        path.write_bytes(damage)
    assert list(Coco(published).examples(0)) == expected
    assert caplog.text.count("is damaged") == 2
    assert {path: path.read_bytes() for path in cache.iterdir()} == whole


def test_an_index_with_pickled_objects_is_not_opened(published: Path, cache: Path) -> None:
    expected = list(Coco(published).examples(0))
    for path in cache.iterdir():
        with path.open("wb") as file:
            np.savez(file, names=np.array([{}], dtype=object), labels=[0], present=[True], listed=1)
    assert list(Coco(published).examples(0)) == expected


def test_an_index_that_cannot_be_kept_leaves_nothing_behind(
    published: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full_disk(file: io.BufferedWriter, **_: object) -> None:
        file.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    assert len(Coco(published).splits(0).train_pool) == 80
    assert list(cache.iterdir()) == []
    assert "cannot be kept (No space left on device)" in caplog.text


# Broken copies


def other_categories(content: dict[str, Any]) -> None:
    content["categories"] = [{"id": 1, "name": "person"}, {"id": 2, "name": "unicorn"}]


def unlisted_category(content: dict[str, Any]) -> None:
    content["annotations"] = [annotation(content["images"][0]["id"], 12, 5)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (other_categories, r"2 categories that are not the 80 .*the 2. is 'unicorn' in place of 'bicycle'"),
        (lambda content: content["categories"].pop(0), r"79 categories .*the 80. is 'nothing' .* 'toothbrush'"),
        (unlisted_category, "annotations of a category 12 that the file does not list"),
        (lambda content: content.pop("annotations"), "another schema .* missing required field `annotations`"),
        (lambda content: content["images"][0].update(id="nine"), r"another schema .*Expected `int`, got `str`"),
    ],
)
def test_annotations_of_another_kind(root: Path, change: Callable[[dict[str, Any]], Any], complaint: str) -> None:
    edit(root, "val2017", change)
    with pytest.raises(UserError, match=rf"instances_val2017\.json: .*{complaint}.*prepare coco") as error:
        Coco(root)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"images": [{"id": 1, "file_na', "damaged or cut short"),
        (b"", "damaged or cut short"),
        (b'{"images": [{"id": 1, "file_name": "\xff"}]}', "damaged or cut short"),
        (b"\n<!DOCTYPE html><html>404</html>", "a web page in place of annotations"),
        (b"[1, 2]", "another schema"),
    ],
)
def test_a_file_that_holds_no_annotations(root: Path, content: bytes, complaint: str) -> None:
    (root / "coco" / "annotations" / "instances_train2017.json").write_bytes(content)
    with pytest.raises(
        UserError, match=rf"instances_train2017\.json: {complaint} .*; move .*/annotations away, then .*prepare coco"
    ) as error:
        Coco(root)
    assert "\n" not in str(error.value)


def test_a_missing_annotation_file(root: Path) -> None:
    (root / "coco" / "annotations" / "instances_val2017.json").unlink()
    with pytest.raises(
        UserError, match=r"instances_val2017\.json: .*No such file.*; move .*/coco/annotations away, then"
    ):
        Coco(root)
    (root / "coco" / "annotations").rename(root / "elsewhere")
    with pytest.raises(UserError, match=r"instances_train2017\.json: .*No such file or directory\); `python"):
        Coco(root)


def test_a_missing_image_folder(root: Path) -> None:
    (root / "coco" / "val2017").rename(root / "elsewhere")
    with pytest.raises(
        UserError, match=r"coco/val2017: no such folder; `python -m benchmark prepare coco` fetches what"
    ):
        Coco(root)


def test_missing_images_are_counted_or_left_out(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 11):
        (root / "coco" / "train2017" / file_name(number)).unlink()
    complaint = f"train2017: 2 of 805 labelled images are missing, the first is {file_name(1)}"
    with pytest.raises(UserError, match=rf"{complaint}; move .*/coco/train2017 away, .*prepare coco.*unreadable=skip"):
        Coco(root)
    dataset = Coco(root, unreadable="skip")
    assert f"{complaint}; they are left out" in caplog.text
    assert len(labels_of(dataset)) == 805 + 80 - 2
    assert noun_of(dataset, 1) is None


def test_where_the_data_lies(published: Path, tmp_path: Path) -> None:
    assert labels_of(Coco(published / "coco")) == labels_of(Coco(published))
    for nowhere in (None, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=r"must hold the coco folder; .*prepare coco"):
            Coco(nowhere)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"crowd": "maybe"}, "coco.crowd=maybe: choose one of count, ignore"),
        ({"validation": "test2017"}, "coco.validation=test2017: choose one of train2017, val2017"),
        ({"validation_per_class": 0}, "coco.validation_per_class=0: must be at least 1"),
        ({"unreadable": "guess"}, "unreadable=guess: choose one of refuse, skip"),
    ],
)
def test_settings_are_checked(published: Path, settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Coco(published, **settings)


# What lies on disk


def test_verification_counts_images_and_names_what_is_wrong(root: Path) -> None:
    data = root / "coco"
    (data / "train2017" / file_name(1)).unlink()
    (data / "train2017" / file_name(UNANNOTATED)).unlink()  # never used
    (data / "val2017" / file_name(5_001)).write_text("<html>404</html>")
    looked_at: list[int] = []
    found = Coco.verify(root, looked_at.append)
    assert sum(looked_at) == 804 + 80
    assert len(found.counts) == 80
    assert found.counts["person"] == {"train2017": 10, "val2017": 1}
    assert found.counts["bicycle"] == {"train2017": 10, "val2017": 1}
    assert found.problems[:3] == (
        "instances_train2017.json lists 806 images, the published one 118,287",
        "instances_val2017.json lists 80 images, the published one 5,000",
        f"{data / 'train2017' / file_name(1)}: no such image file, though it has annotations",
    )
    assert [line.split(": ")[0] for line in found.problems[3:]] == [str(data / "val2017" / file_name(5_001))]


def test_verification_names_classes_with_too_few_images(root: Path) -> None:
    for number in range(1, 4):
        (root / "coco" / "train2017" / file_name(number)).unlink()
    assert any("class 'person' has 8 images, 9 are needed" in line for line in Coco.verify(root, print).problems)
