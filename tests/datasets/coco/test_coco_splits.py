"""MS COCO 2017: the splits and the images in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.base import Example
from datasets.coco import Coco
from datasets.coco_annotations import COCO_CLASSES
from datasets.errors import UserError
from datasets.few_shot import split_pool
from datasets.images import file_digest
from tests.datasets.copies.coco import (
    CATEGORY_IDS,
    GREY,
    ROTATED,
    damage,
    edit,
    file_name,
    labels_of,
)


def test_a_class_is_shuffled_as_any_other_dataset_s(published: Path) -> None:
    dataset = Coco(published)
    splits = dataset.splits(5)
    for label in (0, 15, 79):
        own = [Example(name, label) for name, of in labels_of(dataset).items() if of == label and "train2017" in name]
        pool, rest = split_pool(dataset.classes[label], own, 5)
        assert list(splits.train_pool[label]) == pool
        assert [example for example in splits.validation if example.label == label] == rest


def test_the_folder_may_be_called_coco2017(root: Path) -> None:
    files = [example.identifier for example in Coco(root).examples(0)]
    (root / "coco").rename(root / "coco2017")
    assert [example.identifier for example in Coco(root).examples(0)] == files


def test_validation_comes_from_train2017_and_the_test_set_is_all_of_val2017(published: Path) -> None:
    splits = Coco(published).splits(0)
    assert all(example.identifier.startswith("train2017/") for example in splits.validation)
    assert sorted(splits.tests) == ["test"]
    assert [e.identifier for e in splits.tests["test"]] == [f"val2017/{file_name(5_000 + i)}" for i in range(80)]


def test_validation_takes_no_more_images_per_class_than_set(published: Path) -> None:
    splits = Coco(published, validation_per_class=1).splits(0)
    assert [example.label for example in splits.validation] == list(range(80))
    with pytest.raises(UserError, match=r"coco\.validation_per_class=0: must be at least 1"):
        Coco(published, validation_per_class=0)


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


def test_images_load_upright_in_rgb_and_digests_follow_content(published: Path) -> None:
    dataset = Coco(published)
    grey, rotated = (Example(f"train2017/{file_name(number)}", 0) for number in (GREY, ROTATED))
    assert dataset.load(grey).mode == "RGB"
    assert dataset.load(rotated).size == (10, 12)
    assert dataset.digest(grey) == file_digest(published / "coco" / grey.identifier)


def test_an_image_that_is_cut_short_is_named_with_what_to_do_when_it_is_drawn(root: Path) -> None:
    path = damage(root, Coco(root).splits(0).tests["test"][0].identifier)
    with pytest.raises(UserError, match=rf"{path.name}: not a readable image .*--set unreadable=skip"):
        Coco(root).splits(0)


def test_an_image_that_is_cut_short_is_left_out_and_changes_nothing_else(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first validation image takes its place in the train pool."""
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
    monkeypatch.setattr("datasets.quick_check._looks_whole", None)  # any call of it would now fail
    assert dataset.splits(0) == first
