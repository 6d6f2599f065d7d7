"""Error messages for broken copies of MS COCO 2017."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datasets.coco import Coco
from datasets.errors import UserError
from tests.datasets.copies.coco import (
    UNANNOTATED,
    annotation,
    edit,
    file_name,
    labels_of,
    noun_of,
)


def other_categories(content: dict[str, Any]) -> None:
    content["categories"] = [{"id": 1, "name": "person"}, {"id": 2, "name": "unicorn"}]


def unlisted_category(content: dict[str, Any]) -> None:
    content["annotations"] = [annotation(content["images"][0]["id"], 12, 5)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (other_categories, r"2 categories that are not the 80 .*number 2 is 'unicorn' instead of 'bicycle'"),
        (lambda content: content["categories"].pop(0), r"79 categories .*number 80 is 'nothing' .* 'toothbrush'"),
        (unlisted_category, "annotations of a category 12 that the file does not list"),
        (lambda content: content.pop("annotations"), "not in the format .* missing required field `annotations`"),
        (lambda content: content["images"][0].update(id="nine"), r"not in the format .*Expected `int`, got `str`"),
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
        (b"\n<!DOCTYPE html><html>404</html>", "a web page instead of annotations"),
        (b"[1, 2]", "not in the format"),
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


def test_verification_counts_images_and_names_what_is_wrong(root: Path) -> None:
    data = root / "coco"
    (data / "train2017" / file_name(1)).unlink()
    (data / "train2017" / file_name(UNANNOTATED)).unlink()  # never used by any split
    (data / "val2017" / file_name(5_001)).write_text("<html>404</html>")
    looked_at: list[int] = []
    found = Coco.verify(root, looked_at.append)
    assert sum(looked_at) == 804 + 80
    assert len(found.counts) == 80
    assert found.counts["person"] == {"train2017": 10, "val2017": 1}
    assert found.counts["bicycle"] == {"train2017": 10, "val2017": 1}
    assert found.problems[:3] == (
        "instances_train2017.json lists 806 images, but the published file lists 118,287",
        "instances_val2017.json lists 80 images, but the published file lists 5,000",
        f"{data / 'train2017' / file_name(1)}: no such image file, although it is annotated",
    )
    assert [line.split(": ")[0] for line in found.problems[3:]] == [str(data / "val2017" / file_name(5_001))]


def test_verification_names_classes_with_too_few_images(root: Path) -> None:
    for number in range(1, 4):
        (root / "coco" / "train2017" / file_name(number)).unlink()
    assert any("class 'person' has 8 images, 9 are needed" in line for line in Coco.verify(root, print).problems)
