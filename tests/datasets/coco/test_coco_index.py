"""The cached index of MS COCO 2017: read instead of the annotations, and rebuilt when they change."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import coco_index
from datasets.coco import Coco
from datasets.errors import UserError
from tests.datasets.copies.coco import (
    UNANNOTATED,
    annotation,
    edit,
    file_name,
    labels_of,
)


def forbidden(*_: object, **__: object) -> Any:
    raise AssertionError("this should not be called")


def test_the_second_opening_reads_neither_annotations_nor_folders(
    published: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = Coco(published)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "instances_train2017.json: reading the annotations; this happens only once" in caplog.text
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
    assert "cannot be saved (No space left on device)" in caplog.text
