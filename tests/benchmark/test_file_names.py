"""Names that every file system accepts, all different, and none outside their folder."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from benchmark.file_names import FileNames, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cell phone", "cell phone"),
        ("Grüne Bank", "Grüne Bank"),
        ("Gru\u0308n", "Gr\u00fcn"),
        ("../x", "__x"),
        ("..", "_"),
        ("/etc/passwd", "_etc_passwd"),
        ("a\\b:c?\n", "a_b_c_"),
        (".hidden", "_hidden"),
        ("etc. ", "etc_"),
        ("", "_"),
        ("CON", "CON_"),
        ("COM1", "COM1_"),
        ("a" * 149 + ".b", "a" * 149 + "_"),
        ("ü" * 200, "ü" * 75),
    ],
)
def test_any_text_becomes_a_name(text: str, name: str):
    assert safe_name(text) == name


def test_classes_that_would_share_a_folder_have_two():
    names = FileNames({})
    paths = [names.photo(noun, "1.jpg", ".jpg") for noun in ("a/b", "A_b", "a?b", "a/b")]
    assert paths == ["a_b/1.jpg", "A_b (2)/1.jpg", "a_b (3)/1.jpg", "a_b/1 (2).jpg"]


def test_a_train_is_a_class_and_no_part_of_a_dataset():
    assert FileNames({}).photo("train", "7.jpg", ".jpg") == "train_/7.jpg"


def test_a_class_keeps_the_name_of_its_folder():
    assert FileNames({"cell phone": "cell_phone"}).photo("cell phone", "7.jpg", ".jpg") == "cell_phone/7.jpg"
    assert FileNames({"x": "../x"}).photo("x", "../../7.jpg", ".jpg") == "__x/7.jpg"


def test_images_are_numbered_by_their_photo_and_never_take_a_photos_name():
    names = FileNames({})
    photos = [names.photo("cup", name, ".png") for name in ("IMG.png", "IMG_1.png", "more/IMG.png")]
    made = [names.numbered("cup", name, ".png") for name in ("IMG.png", "IMG.png", "IMG_1.png", "more/IMG.png")]
    assert photos == ["cup/IMG.png", "cup/IMG_1.png", "cup/IMG (2).png"]
    assert made == ["cup/IMG_2.png", "cup/IMG_3.png", "cup/IMG_1_1.png", "cup/IMG_4.png"]
    assert all(len(PurePosixPath(path).parts) == 2 for path in photos + made)
