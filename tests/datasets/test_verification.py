"""Checking every image of a dataset: what is counted, and what is reported as a problem."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from datasets.base import DATASETS, Dataset, Example, Splits, Verification
from datasets.errors import UserError
from datasets.images import file_digest, load_rgb
from datasets.verification import verify_examples
from tests.datasets.folders import write_classes, write_image


class Shelf(Dataset):
    """Files `<class>-<number>.png` in one folder: one for training, one for validation, the rest for testing."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder, self.classes = folder, tuple(classes)

    def splits(self, seed: int) -> Splits:
        groups = [
            [Example(path.name, label) for path in sorted(self.folder.glob(f"{name}-*"))]
            for label, name in enumerate(self.classes)
        ]
        if not all(groups):
            raise UserError(f"{self.folder}: a class without images")
        return Splits(
            train_pool=tuple(tuple(group[:1]) for group in groups),
            validation=tuple(example for group in groups for example in group[1:2]),
            tests={"test": tuple(example for group in groups for example in group[2:])},
        )

    def load(self, example: Example) -> Image.Image:
        return load_rgb(self.folder / example.identifier)

    def digest(self, example: Example) -> str:
        return file_digest(self.folder / example.identifier)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name, count in {"cup": 4, "dog": 3}.items():
        for number in range(count):
            write_image(tmp_path / f"{name}-{number}.png", seed=count + 10 * number)
    return Shelf(tmp_path, ["cup", "dog"])


def test_images_are_counted_by_class_and_split(shelf: Shelf) -> None:
    assert verify_examples(shelf, lambda count: None) == Verification(
        {"cup": {"train pool": 1, "validation": 1, "test": 2}, "dog": {"train pool": 1, "validation": 1, "test": 1}}
    )


def test_every_image_is_looked_at(shelf: Shelf) -> None:
    looked_at: list[int] = []
    verify_examples(shelf, looked_at.append)
    assert sum(looked_at) == 7


def test_unreadable_files_are_named_in_order(shelf: Shelf) -> None:
    for name in ("dog-2.png", "cup-1.png"):
        (shelf.folder / name).write_text("<html>404</html>")
    problems = verify_examples(shelf, lambda count: None).problems
    assert [line.split(":")[0] for line in problems] == [
        str(shelf.folder / name) for name in ("cup-1.png", "dog-2.png")
    ]


def test_files_that_were_left_out_on_opening_are_problems_too(shelf: Shelf) -> None:
    shelf.skipped = ("x.png: not a readable image",)  # type: ignore[attr-defined]
    assert verify_examples(shelf, lambda count: None).problems == ("x.png: not a readable image",)


def test_a_class_without_an_image_in_a_split_is_a_problem(shelf: Shelf) -> None:
    (shelf.folder / "dog-2.png").unlink()
    assert verify_examples(shelf, lambda count: None).problems == ("dog: no image in test",)


def test_a_dataset_that_cannot_be_divided_is_a_problem(shelf: Shelf) -> None:
    shelf.classes = ("cup", "dog", "unicorn")
    assert verify_examples(shelf, lambda count: None) == Verification({}, (f"{shelf.folder}: a class without images",))


def test_a_photo_in_train_and_test_and_in_two_classes_is_a_problem_of_both_kinds(tmp_path: Path) -> None:
    for part, count in {"train": 9, "test": 2}.items():
        write_classes(tmp_path / part, {"chair": count, "cup": count})
    leak = write_image(tmp_path / "train" / "cup" / "leak.jpg")
    for copy in ("train/chair/also chair.jpg", "test/cup/zz leak.jpg"):
        shutil.copy(leak, tmp_path / copy)
    assert DATASETS["imagefolder"].verify(tmp_path, lambda count: None).problems == (
        "1 image is in more than one split, by content "
        "(test/cup/zz leak.jpg = train/chair/also chair.jpg = train/cup/leak.jpg)",
        "1 image is in more than one class, by content "
        "(test/cup/zz leak.jpg = train/chair/also chair.jpg = train/cup/leak.jpg)",
    )


def test_a_leak_is_found_though_seed_0_does_not_draw_the_photo(tmp_path: Path) -> None:
    for part, count in {"train": 12, "val": 1, "test": 1}.items():
        write_classes(tmp_path / part, {"chair": count, "cup": count})
    dataset = DATASETS["imagefolder"](tmp_path)
    drawn = dataset.splits(0).train_pool[1]
    (left_out, *_) = (e for e in dataset.examples(0) if e.identifier.startswith("train/cup") and e not in drawn)
    shutil.copy(tmp_path / left_out.identifier, tmp_path / "test" / "cup" / "leak.jpg")
    assert DATASETS["imagefolder"].verify(tmp_path, lambda count: None).problems == (
        f"1 image is in more than one split, by content (test/cup/leak.jpg = {left_out.identifier})",
    )
