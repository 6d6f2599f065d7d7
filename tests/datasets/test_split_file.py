"""Split files: what is written is what is replayed, and every mismatch is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasets.base import DATASETS, Dataset, Splits
from datasets.errors import UserError
from datasets.few_shot import FewShotTask, few_shot_task
from datasets.images import file_digest
from datasets.split_file import Split, SplitImage, read_split, replay, split_of, to_text
from tests.datasets.folders import write_custom_coco, write_image

SMALL = {"size": "small"}


@pytest.fixture
def task(tmp_path: Path) -> FewShotTask:
    return few_shot_task("custom_coco", DATASETS["custom_coco"](write_custom_coco(tmp_path)), 4, 3)


@pytest.fixture
def file(task: FewShotTask, tmp_path: Path) -> Path:
    path = tmp_path / "split.json"
    path.write_text(to_text(split_of(task)), encoding="utf-8")
    return path


def edited(file: Path, **changes: object) -> Path:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return file


def test_a_file_lists_every_image_by_path_content_split_and_label(task: FewShotTask, file: Path, tmp_path: Path):
    images = json.loads(file.read_text())["images"]
    first = images[0]
    assert first == {
        "path": task.train[0].identifier,
        "sha256": file_digest(tmp_path / "custom_coco" / task.train[0].identifier),
        "split": "train",
        "label": 0,
    }
    assert [image["split"] for image in images].count("train") == 8
    assert {image["split"] for image in images} == {"train", "validation", "test", "uncommon"}


def test_each_image_stands_on_a_line_of_its_own(task: FewShotTask, file: Path):
    lines = [line for line in file.read_text().splitlines() if '"path"' in line]
    assert len(lines) == len(split_of(task).images)


def test_a_replay_is_the_same_task_wherever_the_data_lies(task: FewShotTask, file: Path, tmp_path: Path):
    elsewhere = DATASETS["custom_coco"](write_custom_coco(tmp_path / "elsewhere"))
    again = replay(read_split(file), elsewhere)
    assert (again.shots, again.seed) == (4, 3)
    assert again.train == task.train
    assert again.validation == task.validation
    assert dict(again.tests) == dict(task.tests)
    assert split_of(again).digest == split_of(task).digest


def test_a_file_may_assign_and_label_images_as_it_likes(task: FewShotTask):
    """A split from another laboratory need not come from one of our seeds."""
    other = few_shot_task("custom_coco", task.dataset, 4, 9)
    split = split_of(other)
    swapped = replace(split, images=tuple(replace(image, label=1 - image.label) for image in split.images))
    assert other.train != task.train
    assert replay(swapped, task.dataset).train == tuple(replace(e, label=1 - e.label) for e in other.train)


def test_attributes_that_a_dataset_adds_in_its_splits_are_replayed(task: FewShotTask, monkeypatch: pytest.MonkeyPatch):
    """Otherwise accuracy by attribute could not be reported."""
    plugin, plain = type(task.dataset), type(task.dataset).splits

    def splits(self: Dataset, seed: int) -> Splits:
        found = plain(self, seed)
        return replace(
            found, tests={name: tuple(replace(e, attributes=SMALL) for e in own) for name, own in found.tests.items()}
        )

    monkeypatch.setattr(plugin, "splits", splits)
    again = replay(split_of(task), task.dataset)
    assert [example.attributes for example in again.tests["test"]] == [SMALL] * 6
    assert again.train == task.train


def test_a_file_is_replayed_where_the_data_alone_could_not_be_divided(
    task: FewShotTask, monkeypatch: pytest.MonkeyPatch
):
    def too_few(self: Dataset, seed: int) -> Splits:
        raise UserError("too few images")

    monkeypatch.setattr(type(task.dataset), "splits", too_few)
    assert replay(split_of(task), task.dataset).train == task.train


def test_rendered_images_have_split_files_too():
    dataset = DATASETS["mini_focus"]()
    task = few_shot_task("mini_focus", dataset, 2, 1)
    again = replay(split_of(task), DATASETS["mini_focus"]())
    assert again.train == task.train
    assert split_of(again) == split_of(task)


@pytest.mark.parametrize("change", [{"path": "2.jpg"}, {"sha256": "b"}, {"split": "test"}, {"label": 0}])
def test_the_digest_follows_every_fact_of_an_image(change: dict[str, Any]):
    image = SplitImage("1.jpg", "a", "train", 1)
    one, other = (Split("cups", 1, 0, ("cup", "key"), (own,)) for own in (image, replace(image, **change)))
    assert one.digest != other.digest


def test_the_digest_follows_the_order_of_classes():
    one, other = (Split("cups", 1, 0, classes, ()) for classes in (("cup", "key"), ("key", "cup")))
    assert one.digest != other.digest


class TestAFileThatDoesNotAgree:
    def test_an_image_of_other_content_is_named_by_its_file(self, task: FewShotTask, file: Path, tmp_path: Path):
        photo = write_image(tmp_path / "custom_coco" / task.train[0].identifier, seed=99)
        with pytest.raises(UserError) as caught:
            replay(read_split(file), DATASETS["custom_coco"](tmp_path), "mine.json")
        said = str(caught.value)
        assert said.startswith(f"mine.json: 1 image with different content here: {photo}; set --data-root")
        write_image(tmp_path / "custom_coco" / task.train[1].identifier, seed=99)
        with pytest.raises(UserError, match=r"2 images with different content here: .*\.jpg …; set --data-root"):
            replay(read_split(file), DATASETS["custom_coco"](tmp_path))

    def test_an_image_that_is_not_there_is_named(self, task: FewShotTask, file: Path, tmp_path: Path):
        gone = task.tests["test"][0].identifier
        (tmp_path / "custom_coco" / gone).unlink()
        with pytest.raises(UserError) as caught:
            replay(read_split(file), DATASETS["custom_coco"](tmp_path), "mine.json")
        assert str(caught.value).startswith(
            f"mine.json: custom_coco here lacks 1 image of the split: {gone}; set --data-root"
        )

    def test_other_classes_are_named(self, file: Path, tmp_path: Path):
        write_image(tmp_path / "custom_coco" / "train-val" / "zebra" / "1.jpg")
        split = read_split(file)
        dataset = DATASETS["custom_coco"](write_custom_coco(tmp_path / "other"))
        dataset.classes = ("cell phone", "zebra")
        with pytest.raises(UserError, match="only in the file: cup; only in the data: zebra"):
            replay(split, dataset)
        dataset.classes = split.classes[::-1]
        with pytest.raises(UserError, match="has different classes here: the order differs"):
            replay(split, dataset)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": "diagen-bench split 1", "ima', "not JSON, or cut short"),
        ("[" * 100_000, "not JSON, or cut short"),
        ("[]", "not a split file of the format"),
        ('{"format": "diagen-bench split 9"}', "not a split file of the format"),
        ('{"format": "diagen-bench split 1"}', "damaged split file.*images"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path, content: str, message: str):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read_split(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"no\.json: the split file cannot be read"):
        read_split(tmp_path / "no.json")


def test_an_edited_file_is_refused(file: Path):
    images = json.loads(file.read_text())["images"]
    with pytest.raises(UserError, match="do not match its digest"):
        read_split(edited(file, images=images[1:]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shots": 8}, "it says 8 shots, but has another number"),
        ({"shots": 2}, "it says 2 shots, but has another number"),
        ({"shots": 4.0}, "whole numbers"),
        ({"seed": 1.7}, "whole numbers"),
        ({"seed": True}, "whole numbers"),
        ({"seed": -1}, "the seed must not be negative"),
        ({"seed": 5}, "its dataset, shots or seed was edited"),
        ({"dataset": "coco"}, "its dataset, shots or seed was edited"),
    ],
)
def test_an_edited_head_is_refused(file: Path, changes: dict[str, object], message: str):
    with pytest.raises(UserError, match=message):
        read_split(edited(file, **changes))


def test_a_file_of_an_earlier_release_is_read(file: Path):
    """Such a file holds neither a digest of its header nor the names of class folders."""
    content = json.loads(file.read_text())
    del content["head_digest"], content["class_folders"]
    whole = read_split(file)
    file.write_text(json.dumps(content))
    assert read_split(file) == replace(whole, class_folders=())


def test_a_byte_order_mark_that_an_editor_left_does_no_harm(file: Path):
    whole = read_split(file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_split(file) == whole


def test_a_label_beyond_the_classes_is_refused(file: Path):
    images = json.loads(file.read_text())["images"]
    for label in (2, -1):
        with pytest.raises(UserError, match="a label is not an index into classes"):
            read_split(edited(file, images=[{**images[0], "label": label}]))
