"""Looking at every image of a dataset: what is counted, and what counts as a problem."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from datasets.base import Dataset, Example, Splits, Verification
from datasets.errors import UserError
from datasets.images import load_rgb
from datasets.verification import verify_examples


class Shelf(Dataset):
    """A dataset of files in one folder: `<class>-<number>.png`, one each for training and validation, the rest test."""

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
        raise NotImplementedError


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name, count in {"cup": 4, "dog": 3}.items():
        for number in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / f"{name}-{number}.png")
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
