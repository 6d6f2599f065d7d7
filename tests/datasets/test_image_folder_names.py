"""A user's own photos: the meaning of names, links and other files in the folder."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from datasets.errors import UserError
from tests.datasets.copies.image_folder import write_image_folder
from tests.datasets.folders import files, open_folder, write_classes, write_image

TWO = {"cup": 10, "key": 10}


def test_the_awkward_folder_is_read_as_a_person_would(tmp_path: Path) -> None:
    dataset = open_folder(write_image_folder(tmp_path))
    assert dataset.classes == ("Café table", "cup", "cell phone")
    assert dataset.display_names == ("Café table", "cup", "Mobile phone")
    found = files(dataset)
    assert {"cup/linked.jpg", "cup/album/1.jpg", "Café table/summer/Terrasse été.jpg"} < set(found)
    assert len(found) == 13 + (13 + 2) + 10 + 6


def test_identifiers_are_composed_whatever_the_file_system_writes(tmp_path: Path) -> None:
    dataset = open_folder(write_image_folder(tmp_path))
    (example,) = (e for e in dataset.examples(0) if "Terrasse" in e.identifier)
    assert unicodedata.is_normalized("NFC", example.identifier)
    assert dataset.load(example).size == (12, 10)
    assert len(dataset.digest(example)) == 64


def test_files_that_are_no_images_by_name_are_counted_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_classes(tmp_path, TWO)
    for name in ("labels.csv", "notes.txt", "more.TXT", "README", "Thumbs.db", ".DS_Store"):
        (tmp_path / "cup" / name).write_text("no image")
    assert len(files(open_folder(tmp_path))) == 20
    (line,) = caplog.messages
    assert line.startswith("4 files that are not images are ignored (2 .txt, 1 no suffix, 1 .csv): ")


@pytest.mark.parametrize(
    ("loose", "line"),
    [
        (["1.jpg"], r"1 image file beside the class folders is ignored, having no class: .*/1\.jpg$"),
        (["train/1.jpg", "2.JPG", "test/3.png"], r"3 image files .* are ignored, .*/2\.JPG …$"),
    ],
)
def test_images_that_lie_loose_are_counted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loose: list[str], line: str
) -> None:
    for part in ("train", "test"):
        write_classes(tmp_path / part, TWO)
    for name in (*loose, "notes.txt", ".hidden.jpg"):
        write_image(tmp_path / f"{name}.png").rename(tmp_path / name)
    assert len(files(open_folder(tmp_path))) == 40
    (said,) = caplog.messages
    assert re.search(line, said)


def test_what_systems_leave_is_not_worth_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_classes(tmp_path, TWO)
    write_image(tmp_path / "__MACOSX" / "cup" / "1.jpg")
    (tmp_path / "cup" / "desktop.ini").write_text("")
    assert open_folder(tmp_path).classes == ("cup", "key")
    assert not caplog.messages


def test_numbers_with_and_without_zeros_have_one_order(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", TWO)
    write_classes(tmp_path / "test", {"cup": 1, "key": 1})
    for name in ("1.jpg", "01.jpg", "001.jpg"):
        write_image(tmp_path / "test" / "cup" / name)
    tested = [e.identifier for e in open_folder(tmp_path).splits(0).tests["test"]]
    assert tested[:3] == ["test/cup/001.jpg", "test/cup/01.jpg", "test/cup/1.jpg"]


@pytest.mark.parametrize("target", [".", "..", "loop"])
def test_a_loop_of_links_ends_with_a_line(tmp_path: Path, target: str) -> None:
    write_classes(tmp_path, TWO)
    (tmp_path / "key" / "loop").symlink_to(target)
    with pytest.raises(UserError, match=r"key/loop.*a (link back|broken link)") as caught:
        open_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_two_folders_that_lead_to_each_other_end_too(tmp_path: Path) -> None:
    write_classes(tmp_path, TWO)
    (tmp_path / "cup" / "keys").symlink_to("../key")
    (tmp_path / "key" / "cups").symlink_to("../cup")
    with pytest.raises(UserError, match=r"cup/keys/cups: a link back to .*cup, a folder that it is in"):
        open_folder(tmp_path)


@pytest.mark.parametrize("link", ["cup/gone.jpg", "cup/gone", "spoon"])
def test_a_broken_link_is_named(tmp_path: Path, link: str) -> None:
    write_classes(tmp_path, TWO)
    (tmp_path / link).symlink_to("nowhere")
    with pytest.raises(UserError, match=f"{link}: a broken link"):
        open_folder(tmp_path)


def test_a_broken_link_may_be_skipped(tmp_path: Path) -> None:
    write_classes(tmp_path, TWO)
    (tmp_path / "cup" / "gone.jpg").symlink_to("nowhere")
    dataset: Any = open_folder(tmp_path, unreadable="skip")
    assert dataset.skipped == (f"{tmp_path}/cup/gone.jpg: a broken link",)
    assert len(files(dataset)) == 20
