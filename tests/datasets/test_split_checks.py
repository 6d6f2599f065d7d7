"""Errors of third-party datasets: reported in one line before anything is trained on the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets.base import DATASETS, Dataset, Example, Splits
from datasets.errors import UserError
from datasets.few_shot import few_shot_task
from datasets.split_file import split_of
from datasets.verification import verify_examples


class Pets(Dataset):
    """Two classes of drawn images; each test introduces its own error."""

    title = source = licence = "a test"

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:
        self.classes = ("cat", "dog")
        self.image: object = Image.new("RGB", (4, 4))
        self.wrong: Callable[[Splits], Any] = lambda splits: splits

    def splits(self, seed: int) -> Splits:
        pools = tuple(tuple(Example(f"train/{label}/{i}", label) for i in range(8)) for label in range(2))
        others = [tuple(Example(f"{part}/{label}", label) for label in range(2)) for part in ("val", "test")]
        return self.wrong(Splits(pools, others[0], {"test": others[1]}))

    def load(self, example: Example) -> Image.Image:
        if isinstance(self.image, Exception):
            raise self.image
        return self.image  # type: ignore[return-value]

    def digest(self, example: Example) -> str:
        return example.identifier


@pytest.fixture
def pets() -> Pets:
    return Pets()


def judged_on(*examples: object) -> Callable[[Splits], Splits]:
    return lambda splits: replace(splits, tests={"test": examples})


def pooled(*pools: object) -> Callable[[Splits], Splits]:
    """Replace the train pools by existing ones, given by number, or by new ones."""
    return lambda splits: replace(
        splits, train_pool=tuple(splits.train_pool[pool] if isinstance(pool, int) else pool for pool in pools)
    )


def test_splits_without_fault_are_a_task(pets: Pets) -> None:
    assert len(few_shot_task("pets", pets, 4, 0).train) == 8


WRONG = {
    "`splits` must return Splits, not a tuple": lambda splits: (splits.train_pool, splits.validation, splits.tests),
    "`splits` gives no test set": lambda splits: replace(splits, tests={}),
    "`splits` gives 3 train pools for 2 classes": pooled(0, 1, 0),
    "`splits` gives 1 train pool for 2 classes": pooled(0),
    "the train pool of 'cat' contains 'train/1/0' of 'dog'": pooled(1, 0),
    "two examples of 'train pool' have the identifier 'x'": pooled((Example("x", 0),) * 8, 1),
    "examples of 'train pool' and of 'test' have the identifier 'train/0/3'": judged_on(Example("train/0/3", 0)),
    "examples of 'validation' and of 'test' have the identifier 'val/0'": judged_on(Example("val/0", 1)),
    "no image in 'test'": judged_on(),
    "an example of 'test' is not an Example but a str": judged_on("1.jpg"),
    "an example of 'test' has the identifier 7, which is not a string": judged_on(Example(7, 0)),  # type: ignore[arg-type]
    "an example of 'test' has the label 'dog', which is not an int": judged_on(Example("x", "dog")),  # type: ignore[arg-type]
    "an example of 'test' has the label np.int64(1), which is not an int": judged_on(Example("x", np.int64(1))),  # type: ignore[arg-type]
    "an example of 'test' has label 2, but labels are 0 to 1": judged_on(Example("x", 2)),
    "an example of 'test' has label -1, but labels are 0 to 1": judged_on(Example("x", -1)),
    "an example of 'test' has attributes {'size': 3}, which must": judged_on(Example("x", 0, {"size": 3})),  # type: ignore[dict-item]
    "an example of 'test' has attributes None, which must": judged_on(Example("x", 0, None)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("complaint", WRONG)
def test_wrong_splits_are_refused_by_runs_and_by_prepare(pets: Pets, complaint: str) -> None:
    pets.wrong = WRONG[complaint]
    with pytest.raises(UserError) as caught:
        few_shot_task("pets", pets, 4, 0)
    assert str(caught.value).startswith(f"dataset pets: {complaint}")
    with pytest.raises(UserError) as caught:
        verify_examples(pets, lambda count: None)
    assert str(caught.value).startswith(f"dataset Pets: {complaint}")


@pytest.mark.parametrize("name", ["val", "train", "validation", "train pool", "my test %", "a/b", ".."])
def test_a_test_set_whose_figures_or_images_could_not_be_told_apart_is_refused(pets: Pets, name: str) -> None:
    pets.wrong = lambda splits: replace(splits, tests={name: splits.tests["test"]})
    with pytest.raises(UserError, match=f"dataset pets: a test set cannot be called '{name}'"):
        few_shot_task("pets", pets, 4, 0)


def test_validation_and_test_may_share_images_as_in_the_published_code_for_coco(pets: Pets) -> None:
    pets.wrong = lambda splits: replace(splits, validation=splits.tests["test"])
    assert few_shot_task("pets", pets, 4, 0).validation == few_shot_task("pets", pets, 4, 0).tests["test"]


def test_a_dataset_need_not_have_validation_images(pets: Pets) -> None:
    pets.wrong = lambda splits: replace(splits, validation=())
    assert few_shot_task("pets", pets, 4, 0).validation == ()


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [
        (("cat", "cat"), "two of its classes are called 'cat'"),
        (("cat",), "it has 1 class, but a classifier needs two"),
        ((3, 4), r"its `classes` must be a tuple of nouns, not \(3, 4\)"),
        ("ab", "its `classes` must be a tuple of nouns, not 'ab'"),
        (None, "its `classes` must be a tuple of nouns, not None"),
    ],
)
def test_classes_that_no_classifier_could_tell_apart_are_refused(pets: Pets, classes: Any, complaint: str) -> None:
    pets.classes = classes
    with pytest.raises(UserError, match=f"dataset pets: {complaint}"):
        few_shot_task("pets", pets, 4, 0)


def test_classes_that_were_forgotten_are_named(pets: Pets) -> None:
    del pets.classes
    with pytest.raises(UserError, match="dataset pets: its `classes` must be a tuple of nouns"):
        few_shot_task("pets", pets, 4, 0)


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (Image.new("L", (4, 4)), r"'test/0': Pets.load must give a Pillow image in mode RGB, not one in mode L"),
        (Image.new("RGBA", (4, 4)), r"'test/0': Pets.load must give a Pillow image in mode RGB, not one in mode RGBA"),
        (np.zeros((4, 4, 3)), r"'test/0': Pets.load must give a Pillow image in mode RGB, not a ndarray"),
        (None, r"'test/0': Pets.load must give a Pillow image in mode RGB, not nothing"),
        (OSError("the drive is gone"), r"'test/0' cannot be loaded: the drive is gone"),
    ],
)
def test_what_is_no_image_is_named_when_it_is_loaded(pets: Pets, image: object, complaint: str) -> None:
    pets.image = image
    task = few_shot_task("pets", pets, 4, 0)
    with pytest.raises(UserError, match=f"image {complaint}"):
        task.image(task.tests["test"][0])
    problems = verify_examples(pets, lambda count: None).problems
    assert len(problems) == len(list(pets.examples(0)))


def test_a_digest_that_no_split_file_could_hold_is_refused(pets: Pets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pets, "digest", lambda self, example: 7)
    with pytest.raises(UserError, match=r"Pets.digest must give a SHA-256 as hexadecimal text, not a int"):
        split_of(few_shot_task("pets", pets, 4, 0))


class TestRegistration:
    """As for methods, registration says what a class lacks."""

    @pytest.mark.parametrize(
        ("members", "complaint"),
        [
            ({"title": None}, "lacks its title"),
            ({"digest": Dataset.digest}, "lacks digest"),
            ({"slices": "size"}, "its slices must be a tuple of attributes, not 'size'"),
            (
                {"__init__": lambda self, data_root=None: None},
                "cannot be opened with data_root and unreadable: .*'unreadable'",
            ),
            ({"__init__": lambda self: None}, "cannot be opened with data_root and unreadable: .*'data_root'"),
        ],
    )
    def test_a_class_that_is_no_dataset(self, members: dict[str, object], complaint: str) -> None:
        with pytest.raises(TypeError, match=f"dataset 'mine'.*{complaint}"):
            DATASETS.register("mine")(type("Mine", (Pets,), members))

    @pytest.mark.parametrize("name", ["", "a/b", "../../elsewhere"])
    def test_a_name_that_no_setting_begins_with(self, name: str) -> None:
        with pytest.raises(TypeError, match=f"dataset '{name}': use letters, digits and underscores only"):
            DATASETS.register(name)(Pets)

    def test_a_function_is_no_dataset(self) -> None:
        with pytest.raises(TypeError, match=r"is not a class that extends datasets.base.Dataset"):
            DATASETS.register("mine")(lambda data_root: None)  # type: ignore[arg-type]
