"""The sheet of thumbnails and the table that explains it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from benchmark import thumbnails as module
from benchmark.thumbnails import thumbnails
from datasets.base import DATASETS
from datasets.few_shot import FewShotTask, few_shot_task
from methods.base import SyntheticImage, SyntheticSet
from methods.plan import PlanRow

PER_GUIDE = 3


def synthetic(task: FewShotTask, folder: Path) -> SyntheticSet:
    """Three images per guide, each of one colour that identifies guide and number."""
    images = []
    for guide, example in enumerate(task.train):
        for number in range(PER_GUIDE):
            path = folder / f"{guide}-{number}.png"
            Image.new("RGB", (8, 8), (40 * guide, 80 * number, 0)).save(path)
            row = PlanRow(guide, example.label, f"prompt {number}", "w", 0.7, 4.0, 20, number, 0.1)
            images.append(SyntheticImage(row, path, weight=0.5))
    return SyntheticSet(tuple(images))


@pytest.fixture
def task(world) -> FewShotTask:
    return few_shot_task("squares", DATASETS["squares"](), 2, 0)


def test_each_guide_is_followed_by_its_images(task: FewShotTask, tmp_path: Path):
    sheet, table = thumbnails(task, synthetic(task, tmp_path))
    assert table["kind"] == ["guide", *["synthetic"] * PER_GUIDE] * len(task.train)
    assert table["guide"][:4] == [task.train[0].identifier] * 4
    assert table["prompt"][:4] == ["", "prompt 0", "prompt 1", "prompt 2"]
    assert table["weight"][:2] == [None, 0.5]
    assert table["tile"] == list(range(24))
    columns = sheet.width // 8
    assert columns == 5
    assert sheet.getpixel((8 * (6 % columns) + 4, 8 * (6 // columns) + 4)) == (40, 80, 0)


def test_what_does_not_fit_is_left_out_alike_in_every_class(
    task: FewShotTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MOST", 3 * (1 + PER_GUIDE))
    _, table = thumbnails(task, synthetic(task, tmp_path))
    assert table["class"] == [name for name in ("apple", "leaf", "plum") for _ in range(4)]


def test_large_pictures_become_small_and_keep_their_shape(task: FewShotTask, tmp_path: Path):
    made = synthetic(task, tmp_path)
    Image.new("RGB", (600, 300), "red").save(made.images[0].path)
    sheet, _ = thumbnails(task, made)
    assert sheet.width == 5 * module.TILE
    assert sheet.getpixel((128 + 64, 2)) == (255, 255, 255)
    assert sheet.getpixel((128 + 64, 64)) == (255, 0, 0)
