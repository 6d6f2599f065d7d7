"""Augmenting all of a user's own photos with a method."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.augment import augment as augment_photos
from benchmark.cli import main
from benchmark.progress import Stages
from benchmark.settings import resolve_settings
from tests.benchmark.augmented import NOUNS, lines, write_photos
from tests.benchmark.conftest import SMALL, Tint

MADE = 3
"""Images made of each photo."""

HOW = (f"--set=diagen.images_per_example={MADE}", *(f"--set={setting}" for setting in SMALL))


@pytest.fixture
def photos(world: Tint, tmp_path: Path) -> Path:
    """One class of two photos and one of three, which is fewer than a benchmark run needs."""
    return write_photos(tmp_path / "photos", 2, 3)


def augment(*arguments: str) -> int:
    return main(["augment", "--preset", "mini", *HOW, *arguments])


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert augment(*arguments) == 2
    said: str = capsys.readouterr().err.splitlines()[-1]
    return said


def test_every_photo_comes_back_with_the_images_that_were_made_of_it(photos: Path, tmp_path: Path, capsys):
    assert augment("--data-root", "photos") == 0
    folder = tmp_path / "augmented"
    assert "augmented: 5 real and 15 synthetic images; provenance.csv says" in capsys.readouterr().err
    table = lines(folder)
    assert {line["file"] for line in table} | {"provenance.csv"} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    real = [line["file"] for line in table if line["kind"] == "real"]
    assert real == [f"{NOUNS[0]}/IMG 0.jpg", f"{NOUNS[0]}/IMG 1.jpg", *(f"{NOUNS[1]}/IMG {i}.jpg" for i in range(3))]
    for file in real:
        assert (folder / file).read_bytes() == (photos / file).read_bytes()
        made = [line for line in table if line["kind"] == "synthetic" and line["guide"] == file]
        stem = file.removesuffix(".jpg")
        assert [line["file"] for line in made] == [f"{stem}_{number}.png" for number in range(1, MADE + 1)]
        assert all("<word>" in line["prompt"] and line["method"] == "diagen" for line in made)
    assert len({float(line["weight"]) for line in table}) > 2


def test_what_is_written_is_counted_as_it_is(photos: Path, tmp_path: Path):
    """Upright phone photos have to be re-encoded, and a thousand of them take half an hour, so progress is shown."""
    stages = Stages(quiet=True)
    settings = resolve_settings(dataset="imagefolder", data_root="photos", overrides=SMALL)
    augment_photos(settings, tmp_path / "augmented", stages)
    assert stages.counts["writing"] == len(lines(tmp_path / "augmented"))


def test_photos_of_one_class_are_augmented_though_no_classifier_tells_it_from_another(photos: Path, tmp_path: Path):
    """All images get the same weight, because they certainly belong to the only class."""
    (photos / NOUNS[1]).rename(tmp_path / "elsewhere")
    assert augment("--data-root", "photos") == 0
    assert [line["weight"] for line in lines(tmp_path / "augmented")] == ["1.0"] * (2 + 2 * MADE)


def test_nothing_is_tracked_and_what_was_made_is_not_made_again(photos: Path, world: Tint, tmp_path: Path):
    world.stop_after = 7
    assert augment("--data-root", "photos") == 130
    assert not (tmp_path / "augmented").exists()
    world.stop_after = float("inf")
    for out in ("first", "second"):
        assert augment("--data-root", "photos", "--out", out) == 0
    assert world.made == 15
    assert lines(tmp_path / "first") == lines(tmp_path / "second")
    assert not (tmp_path / "mlflow.db").exists()


def test_another_seed_draws_other_images_and_components_are_switched(photos: Path, tmp_path: Path):
    for out, arguments in {"zero": (), "one": ("--seed", "1"), "none": ("--components", "none")}.items():
        assert augment("--data-root", "photos", "--out", out, *arguments) == 0
    zero, one, none = (
        [line for line in lines(tmp_path / out) if line["kind"] == "synthetic"] for out in ("zero", "one", "none")
    )
    assert {line["seed"] for line in zero}.isdisjoint(line["seed"] for line in one)
    assert {(line["prompt"], line["noise_std"], line["weight"]) for line in none} == {
        ("a photo of a <word>", "0.0", "1.0")
    }


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("train", "val")])
def test_of_a_divided_folder_the_photos_to_train_on_are_augmented(
    world: Tint, tmp_path: Path, caplog, parts: tuple[str, ...]
):
    """Test photos are ignored or absent; validation photos calibrate the weights, with a warning if there are none."""
    for part in parts:
        write_photos(tmp_path / "divided" / part, 2)
    assert augment("--data-root", "divided") == 0
    assert {line["guide"].split("/")[0] for line in lines(tmp_path / "augmented")} == {"train"}
    assert "no validation photos" not in caplog.text
    assert augment("--data-root", "divided/train", "--out", "unweighted", "--components", "noise") == 0
    assert "no validation photos" not in caplog.text
    assert augment("--data-root", "divided/train", "--out", "uncalibrated") == 0
    assert "no validation photos" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--method", "standard"),
            "method 'standard' generates no images from photos: choose another of `list methods`",
        ),
        (("--out", "photos/new"), "photos/new is inside the folder of photos"),
        (("--out", "photos"), "already exists and is not an empty folder"),
        (("--out", "photos/Grüne Bank/IMG 0.jpg/new"), "cannot write photos/Grüne Bank/IMG 0.jpg/new: Not a directory"),
        (("--seed", "0,1"), "--seed 0,1: give a single seed"),
        (("--data-root", "nowhere"), "nowhere"),
        (("--method", "diagem"), "diagen"),
        (("--set", "prompts.source=openai"), "OPENAI_API_KEY"),
        (("--set", "diagen.strength=2"), "diagen.strength"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_made(
    photos: Path, world: Tint, arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert says in complaint(capsys, "--data-root", "photos", *arguments)
    assert world.made == 0


@pytest.mark.parametrize("only", [(), ("--fetch-only",)])
def test_a_class_without_prompts_in_their_file_is_told_before_anything_is_made(
    photos: Path, world: Tint, tmp_path: Path, only: tuple[str, ...], capsys
):
    (tmp_path / "prompts.csv").write_text(f"class,prompt\n{NOUNS[0]},a photo of a {NOUNS[0]}\n")
    sets = ("--set=prompts.source=file", "--set=prompts.file=prompts.csv", "--set=diagen.prompts_per_class=1")
    assert "0 usable prompts for class 'cell phone'" in complaint(capsys, "--data-root", "photos", *sets, *only)
    assert world.made == 0


def test_a_store_among_the_photos_is_refused_at_once(
    photos: Path, world: Tint, monkeypatch: pytest.MonkeyPatch, capsys
):
    """Otherwise, repeating the command after an interruption would find the store there and not finish the work."""
    monkeypatch.delenv("DIAGEN_STORE", raising=False)
    monkeypatch.chdir(photos)
    said = complaint(capsys, "--data-root", ".", "--out", "../new")
    assert (
        "photos/store is inside the folder of photos and would be read as one: name another folder with DIAGEN_STORE"
        in said
    )
    assert world.made == 0
    assert not (photos / "store").exists()


def test_a_class_without_a_photo_and_a_photo_that_is_none_are_named(photos: Path, capsys):
    (photos / NOUNS[0] / "IMG 1.jpg").write_bytes(b"<html>not found</html>")
    assert "IMG 1.jpg" in complaint(capsys, "--data-root", "photos")
    for photo in (photos / NOUNS[0]).iterdir():
        photo.unlink()
    assert f"class '{NOUNS[0]}' has 0 images: at least 1 is needed" in complaint(capsys, "--data-root", "photos")
