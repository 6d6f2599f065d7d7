"""What every registered dataset guarantees, tested on a miniature copy of its published layout."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import datasets  # noqa: F401  (registers the project's datasets)
from datasets.base import DATASETS, Dataset, Example, Splits, Verification
from datasets.errors import UserError
from datasets.few_shot import few_shot_task
from datasets.images import load_rgb
from datasets.published_counts import PublishedCounts

COPIES = {"custom_coco": "custom_coco", "coco": "coco", "focus": "focus", "imagefolder": "image_folder"}
"""The module of tests/datasets/copies that writes each dataset's copy; datasets that need no folder are absent."""

NO_FOLDER = {"mini_focus"}

SETTINGS: dict[str, dict[str, Any]] = {"focus": {"train_and_validation": 10}}
"""Settings of the copies, which are smaller than the originals."""


def write_copy(name: str, root: Path) -> Path | None:
    """Write a copy under `root` and return its data root."""
    if name in NO_FOLDER:
        return None
    module = import_module(f"tests.datasets.copies.{COPIES[name]}")
    write: Callable[[Path], Path] = getattr(module, f"write_{COPIES[name]}")
    return write(root)


def open_copy(name: str, data_root: Path | None, unreadable: str = "refuse") -> Dataset:
    plugin: Any = DATASETS[name]
    return plugin(data_root, unreadable, **SETTINGS.get(name, {}))


def damaged_copy(name: str, root: Path) -> tuple[Path, Path, Example]:
    """Write a copy with one truncated image; return the data root, that image's file and its example."""
    data_root = write_copy(name, root)
    assert data_root is not None
    dataset = open_copy(name, data_root)
    largest = max(dataset.splits(0).train_pool, key=lambda pool: _images_of(dataset, pool[0].label))
    file = dataset.file(largest[0])
    assert file is not None
    file.write_bytes(file.read_bytes()[:-20])
    return data_root, file, largest[0]


def _images_of(dataset: Dataset, label: int) -> int:
    return sum(example.label == label for example in everything(dataset.splits(0)))


def everything(splits: Splits) -> list[Example]:
    return list(chain(*splits.train_pool, splits.validation, *splits.tests.values()))


class Shuffled:
    """The entries that `os.scandir` gives, in another order."""

    def __init__(self, entries: Iterator[Any]) -> None:
        self.entries = iter(random.Random(1).sample(found := list(entries), len(found)))

    def __iter__(self) -> Iterator[Any]:
        return self.entries

    def __next__(self) -> Any:
        return next(self.entries)

    def __enter__(self) -> Shuffled:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(scope="module", params=sorted([*COPIES, *NO_FOLDER]))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def data_root(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    return write_copy(name, tmp_path_factory.mktemp(name))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "cache"))


@pytest.fixture
def dataset(name: str, data_root: Path | None) -> Dataset:
    return open_copy(name, data_root)


def test_every_registered_dataset_is_tested_here() -> None:
    assert {*COPIES, *NO_FOLDER} == set(DATASETS)


def test_facts_are_stated(name: str) -> None:
    plugin = DATASETS[name]
    assert all(getattr(plugin, fact) for fact in ("title", "source", "licence"))


def test_classes_are_distinct_nouns(dataset: Dataset) -> None:
    assert len(set(dataset.classes)) == len(dataset.classes) == len(dataset.display_names) > 1
    assert all(noun == " ".join(noun.split()) and "_" not in noun for noun in dataset.classes)


def test_published_numbers_of_images_make_a_task_of_the_same_splits(name: str, dataset: Dataset) -> None:
    """This is for datasets whose images are counted before they are downloaded."""
    plugin = DATASETS[name]
    if not plugin.published:
        assert name in {*NO_FOLDER, "imagefolder"}
        return
    task = few_shot_task(name, PublishedCounts(plugin), 8, 0)
    assert len(task.train) == 8 * len(task.classes)
    assert {"validation": len(task.validation)} | {
        test: len(part) for test, part in task.tests.items()
    } == plugin.published
    assert set(task.tests) <= set(dataset.splits(0).tests)
    with pytest.raises(UserError, match="only counted"):
        task.image(task.train[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_splits_are_disjoint(dataset: Dataset, seed: int) -> None:
    found = [example.identifier for example in everything(dataset.splits(seed))]
    assert len(found) == len(set(found))


def test_every_class_is_in_the_train_pool_and_the_test_set(dataset: Dataset) -> None:
    splits = dataset.splits(0)
    for label, pool in enumerate(splits.train_pool):
        assert len(pool) == 8
        assert {example.label for example in pool} == {label}
    for part in (splits.validation, splits.tests["test"]):
        assert {example.label for example in part} == set(range(len(dataset.classes)))


@pytest.mark.parametrize("shots", [2, 4, 8])
def test_shots_are_the_first_of_their_pools(dataset: Dataset, shots: int) -> None:
    """So fewer shots are a subset of more shots, and later releases train on the same images."""
    first = [example for pool in dataset.splits(0).train_pool for example in pool[:shots]]
    assert list(few_shot_task("t", dataset, shots, 0).train) == first


def test_the_same_seed_gives_the_same_files_whatever_the_order_of_the_file_system(
    name: str, dataset: Dataset, data_root: Path | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scandir, listdir = os.scandir, os.listdir
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "another cache"))
    monkeypatch.setattr(os, "scandir", lambda *given: Shuffled(scandir(*given)))
    monkeypatch.setattr(os, "listdir", lambda *given: random.Random(2).sample(f := listdir(*given), len(f)))
    shuffled = open_copy(name, data_root)
    assert shuffled.classes == dataset.classes
    assert shuffled.splits(3) == dataset.splits(3)


def test_another_seed_gives_another_choice(dataset: Dataset) -> None:
    one, other = dataset.splits(1), dataset.splits(2)
    assert one.train_pool != other.train_pool
    assert [len(part) for part in one.train_pool] == [len(part) for part in other.train_pool]
    assert len(everything(one)) == len(everything(other))


def test_images_load_upright_in_rgb(dataset: Dataset) -> None:
    for example in dataset.splits(0).tests["test"][:: max(1, len(dataset.classes) // 5)]:
        image = dataset.load(example)
        assert image.mode == "RGB"
        assert min(image.size) >= 1


def test_each_class_has_a_folder_name_and_an_image_is_read_from_its_file_if_it_has_one(
    name: str, dataset: Dataset
) -> None:
    assert len(set(dataset.class_folders)) == len(dataset.class_folders) == len(dataset.classes)
    example = dataset.splits(0).train_pool[0][0]
    file = dataset.file(example)
    assert (file is None) == (name in NO_FOLDER)
    if file is not None:
        assert load_rgb(file).tobytes() == dataset.load(example).tobytes()


def test_digests_and_identifiers_do_not_know_the_place(name: str, dataset: Dataset, tmp_path: Path) -> None:
    elsewhere = open_copy(name, write_copy(name, tmp_path / "else where"))
    here, there = (everything(opened.splits(0)) for opened in (dataset, elsewhere))
    assert here == there
    assert [dataset.digest(e) for e in here[:40]] == [elsewhere.digest(e) for e in there[:40]]
    assert all(len(dataset.digest(e)) == 64 for e in here[:40])
    assert not any(e.identifier.startswith("/") or "\\" in e.identifier for e in here)


def test_examples_hold_all_that_splits_name(dataset: Dataset) -> None:
    known = {example.identifier: example for example in dataset.examples(0)}
    assert all(known[example.identifier] == example for example in everything(dataset.splits(0)))


def test_attributes_named_for_slices_are_there(dataset: Dataset) -> None:
    shown = dataset.splits(0).tests["test"]
    for attribute in dataset.slices:
        assert any(example.attributes.get(attribute) for example in shown), attribute


def test_verification_looks_at_every_file_and_finds_no_fault(name: str, data_root: Path | None) -> None:
    seen: list[int] = []
    found: Verification = DATASETS[name].verify(data_root, seen.append, **SETTINGS.get(name, {}))
    assert sum(seen) > 0
    assert len(found.counts) == len(open_copy(name, data_root).classes)


@pytest.mark.parametrize("name", sorted(COPIES))
def test_a_missing_folder_is_named_in_a_line(name: str, tmp_path: Path) -> None:
    for nowhere in (None, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=re.escape(str(nowhere or "data root"))) as refusal:
            open_copy(name, nowhere)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", sorted(COPIES))
def test_an_unreadable_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    data_root, file, _ = damaged_copy(name, tmp_path)
    with pytest.raises(UserError, match=re.escape(str(file)) + ".*unreadable=skip"):
        open_copy(name, data_root).splits(0)


@pytest.mark.parametrize("name", sorted(COPIES))
def test_an_unreadable_file_is_skipped_with_a_warning_where_that_is_set(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data_root, file, example = damaged_copy(name, tmp_path)
    left = everything(open_copy(name, data_root, unreadable="skip").splits(0))
    assert str(file) in caplog.text
    assert left
    assert example.identifier not in {other.identifier for other in left}


@pytest.mark.parametrize("name", sorted(COPIES))
def test_verification_names_an_unreadable_file(name: str, tmp_path: Path) -> None:
    data_root, file, _ = damaged_copy(name, tmp_path)
    found: Verification = DATASETS[name].verify(data_root, lambda count: None, **SETTINGS.get(name, {}))
    assert any(str(file) in problem for problem in found.problems)
