"""Exporting a run's images as a folder to train on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from PIL import Image

from benchmark.augmented_folder import COLUMNS
from benchmark.cli import main
from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.records import Record
from benchmark.runner import run_job
from benchmark.settings import RunSettings
from benchmark.tracking import Tracker
from benchmark.training_photos import class_folders, training_task
from datasets.base import DATASETS
from datasets.errors import UserError
from methods.base import METHODS
from tests.benchmark.augmented import NOUNS, lines, write_photos

MADE = 4
"""Images made of each photo."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes with ten photos each."""
    return write_photos(tmp_path / "photos", 10)


@pytest.fixture
def cell(world, small: Callable[..., RunSettings], tracking_uri: str, photos: Path) -> Record:
    """A finished DIAGen run on the photos with 2 shots, started in the folder next to them."""
    run_job(open_job(small("diagen", dataset="imagefolder", data_root="photos")), Tracker(), Stages(quiet=True))
    (only,) = Tracker().cells()
    return only


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["export", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(("column", "lacking"), [("class", "image"), ("image", "class")])
def test_a_plan_that_lacks_a_column_is_damaged(cell: Record, column: str, lacking: str, capsys):
    MlflowClient().log_dict(cell.run, {"columns": [column], "data": []}, "tables/plan.json")
    assert f"damaged where MLflow keeps it (it lacks the column '{lacking}')" in complaint(capsys)


def test_the_folder_comes_back_augmented_with_a_line_for_each_image(cell: Record, photos: Path, tmp_path: Path, capsys):
    assert main(["export"]) == 0
    assert "augmented: 4 real and 16 synthetic images" in capsys.readouterr().out
    folder = tmp_path / "augmented"
    table = lines(folder)
    assert tuple(table[0]) == COLUMNS
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {line["file"] for line in table} | {"provenance.csv"} == written
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(NOUNS)

    real = [line for line in table if line["kind"] == "real"]
    assert [line["weight"] for line in real] == ["1.0"] * 4
    for line in real:
        assert line["file"] == line["guide"]
        assert (folder / line["file"]).read_bytes() == (photos / line["guide"]).read_bytes()

    plan = cell.tables["plan"]
    made = [line for line in table if line["kind"] == "synthetic"]
    for column in ("class", "guide", "prompt", "noise_std", "strength", "guidance_scale", "steps", "seed", "weight"):
        assert [line[column] for line in made] == [str(value) for value in plan[column]]
    guide = made[0]["guide"].removesuffix(".jpg")
    assert [line["file"] for line in made[:MADE]] == [f"{guide}_{number}.png" for number in range(1, MADE + 1)]
    store = tmp_path / "store" / "images" / plan["image"][0][:2] / f"{plan['image'][0]}.png"
    assert (folder / made[0]["file"]).read_bytes() == store.read_bytes()
    assert {(line["run"], line["method"]) for line in table} == {(cell.run, "diagen")}


def test_image_folder_loaders_read_it(cell: Record, tmp_path: Path):
    from torchvision.datasets import ImageFolder

    assert main(["export"]) == 0
    loaded = ImageFolder(str(tmp_path / "augmented"))
    assert (len(loaded), set(loaded.classes)) == (20, set(NOUNS))
    ours = DATASETS["imagefolder"](data_root=tmp_path / "augmented")
    assert ours.classes == ("Grüne Bank", "cell phone")
    assert sum(1 for _ in ours.examples(0)) == 20


def test_drawn_images_are_written_as_png(world, small: Callable[..., RunSettings], tracking_uri: str, tmp_path: Path):
    run_job(open_job(small("diagen", overrides=("squares.tests=[test]",))), Tracker(), Stages(quiet=True))
    assert main(["export"]) == 0
    real = [line for line in lines(tmp_path / "augmented") if line["kind"] == "real"]
    assert [line["file"] for line in real[:2]] == ["apple/0.png", "apple/1.png"]
    with Image.open(tmp_path / "augmented" / "apple" / "0.png") as image:
        assert image.size == (8, 8)


def test_photos_are_found_from_another_folder_than_the_one_in_which_the_run_was_started(
    cell: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["export"]) == 0
    assert len(lines(tmp_path / "elsewhere" / "augmented")) == 20


def test_a_run_of_a_preset_file_is_exported(world, small: Callable[..., RunSettings], tracking_uri: str):
    Path("mine.yaml").write_text("squares: {tests: [test]}\n")
    run_job(open_job(small("da_fusion", preset="mine.yaml")), Tracker(), Stages(quiet=True))
    assert main(["export"]) == 0
    assert {line["kind"] for line in lines(Path("augmented"))} == {"real", "synthetic"}


def test_photos_that_moved_are_found_where_the_user_says(cell: Record, photos: Path, tmp_path: Path, capsys):
    photos.rename(tmp_path / "moved")
    assert main(["export", "--out", "alone"]) == 0
    said = capsys.readouterr()
    assert "without the real photos" in said.err
    assert "no such folder" in said.err
    alone = lines(tmp_path / "alone")
    assert {line["kind"] for line in alone} == {"synthetic"}
    assert main(["export", "--data-root", str(tmp_path / "moved")]) == 0
    whole = lines(tmp_path / "augmented")
    assert len(whole) == 20
    assert [line for line in whole if line["kind"] == "synthetic"] == alone


def test_the_folders_of_a_run_that_tracked_no_names_are_the_nouns(cell: Record):
    split = json.loads(cell.files["split.json"])
    assert class_folders(cell) == {"Grüne Bank": "Grüne Bank", "cell phone": "cell_phone"}
    del split["class_folders"]
    assert class_folders(replace(cell, files={"split.json": json.dumps(split).encode()})) == {}
    assert class_folders(replace(cell, files={})) == {}


def test_photos_are_found_without_the_runs_preset_and_method(
    world, small: Callable[..., RunSettings], tracking_uri: str, tmp_path: Path
):
    """The preset may have been moved or edited since, or contain settings of a plugin that is not loaded."""
    preset = tmp_path / "my.yaml"
    preset.write_text("squares: {tests: [test], limit: 5}\nplugin: {strength: 0.7}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(METHODS, "_plugins", {**METHODS._plugins, "plugin": METHODS["da_fusion"]})
        run_job(open_job(small("plugin", preset="my.yaml")), Tracker(), Stages(quiet=True))
    (cell,) = Tracker().cells()
    opened = {"data_root": None, "tests": ("test",), "limit": 5}
    assert vars(training_task(cell).dataset) == opened
    preset.write_text("squares: {tests: [uncommon]}")
    assert vars(training_task(cell).dataset) == opened
    preset.unlink()
    assert main(["export"]) == 0
    assert sum(line["kind"] == "real" for line in lines(tmp_path / "augmented")) == 6


def test_photos_of_a_plugins_dataset_are_missed_with_the_option_that_finds_them(cell: Record):
    of_plugin = replace(
        cell, tags={**cell.tags, "dataset": "pets"}, parameters={**cell.parameters, "plugins": "my plugins/pets.py"}
    )
    with pytest.raises(UserError, match=r"dataset 'pets' comes from a plugin .*: add --plugins 'my plugins/pets\.py'"):
        training_task(of_plugin)


def test_photos_of_other_content_are_left_out(cell: Record, photos: Path, tmp_path: Path, capsys):
    Image.new("RGB", (8, 8)).save(photos / cell.tables["plan"]["guide"][0])
    assert main(["export"]) == 0
    assert "1 image with different content" in capsys.readouterr().err
    assert len(lines(tmp_path / "augmented")) == 16


def test_images_that_are_not_in_the_store_are_named_with_the_command_that_makes_them(
    cell: Record, tmp_path: Path, capsys
):
    shutil.rmtree(tmp_path / "store" / "images")
    said = complaint(capsys)
    assert "16 of 16 images are not in the store" in said
    assert f"{cell.tables['plan']['image'][0]}.png" in said
    assert "`python -m benchmark run --method diagen --dataset imagefolder --data-root" in said
    assert not (tmp_path / "augmented").exists()


def test_a_folder_that_is_not_empty_is_left_alone(tracking_uri: str, tmp_path: Path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert "is not an empty folder" in complaint(capsys, "--out", str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
