"""Reading image files of every kind a user may have, and naming those that cannot be read."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.errors import UserError
from datasets.images import check_images, file_digest, load_rgb
from tests.datasets.folders import write_image


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 4), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert load_rgb(tmp_path / "turned.jpg").size == (4, 8)


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_rgb(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)


def test_a_transparent_palette_colour_is_white(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([0, 0, 255, 255, 0, 0])
    palette.putpixel((1, 1), 1)
    palette.save(tmp_path / "palette.png", transparency=0)
    image = load_rgb(tmp_path / "palette.png")
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert image.getpixel((1, 1)) == (255, 0, 0)


@pytest.mark.parametrize(("mode", "ending"), [("L", "png"), ("1", "png"), ("LA", "png"), ("CMYK", "jpg"), ("P", "gif")])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str, ending: str) -> None:
    path = tmp_path / f"image.{ending}"
    Image.new(mode, (3, 2)).save(path)
    image = load_rgb(path)
    assert (image.mode, image.size) == ("RGB", (3, 2))


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 32768, 65535]], np.uint16)).save(tmp_path / "deep.png")
    assert np.asarray(load_rgb(tmp_path / "deep.png"))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n broken"])
def test_an_unreadable_file_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.png: not a readable image") as caught:
        load_rgb(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "half.jpg", size=(64, 64))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"half\.jpg"):
        load_rgb(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.png: no such image file"):
        load_rgb(tmp_path / "gone.png")
    with pytest.raises(UserError, match="not a readable image"):
        load_rgb(tmp_path)


def test_digest_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert file_digest(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


class TestCheckImages:
    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        paths = [write_image(tmp_path / f"{number}.png") for number in range(4)]
        for bad in (1, 2):
            paths[bad].write_bytes(b"nothing")
        return paths

    def test_refuse_names_the_first_counts_the_rest_and_says_how_to_skip(self, paths: list[Path]) -> None:
        with pytest.raises(UserError, match=r"1\.png.*and 1 more.*--set unreadable=skip"):
            check_images(paths)

    def test_skip_leaves_them_out_with_a_warning(self, paths: list[Path], caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            assert check_images(paths, "skip") == [paths[0], paths[3]]
        assert "2 unreadable" in caplog.text
        assert "1.png" in caplog.text

    def test_another_choice_is_refused(self, paths: list[Path]) -> None:
        with pytest.raises(UserError, match="refuse, skip"):
            check_images(paths, "ignore")
