"""Reading every kind of image file that a user may have, and naming those that cannot be read."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets.errors import UserError
from datasets.images import MOST_PIXELS, check_images, file_digest, image_problem, load_rgb, reads_plainly, to_rgb
from tests.datasets.folders import write_image

GREY = np.array([[0, 50, 100], [150, 200, 250]], np.uint8)
"""Two rows of three pixels, all different, so that every rotation or flip is visible."""


def pixels(path: Path) -> np.ndarray[Any, Any]:
    """The pixels of the loaded image, of shape (H, W, 3)."""
    image = load_rgb(path)
    assert image.mode == "RGB"
    return np.asarray(image)


def colour(path: Path) -> tuple[int, ...]:
    """The colour of the first pixel of the loaded image."""
    return tuple(int(value) for value in pixels(path)[0, 0])


class TestOrientation:
    """EXIF 2.32, section 4.6.4, defines Orientation by where the first row and the first column of the file belong."""

    UPRIGHT = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: GREY[::-1].T,
        7: GREY[::-1, ::-1].T,
        8: GREY[:, ::-1].T,
    }

    @pytest.mark.parametrize("mode", ["L", "RGB", "P", "I;16"])
    @pytest.mark.parametrize("orientation", UPRIGHT)
    def test_every_orientation_is_turned_upright(self, tmp_path: Path, orientation: int, mode: str) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(GREY).convert(mode)
        image.save(tmp_path / "turned.png", exif=exif)
        assert np.array_equal(pixels(tmp_path / "turned.png")[:, :, 0], self.UPRIGHT[orientation])

    def test_a_turned_jpeg(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (8, 4), "red").save(tmp_path / "turned.jpg", exif=exif)
        assert pixels(tmp_path / "turned.jpg").shape == (8, 4, 3)

    @pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0"])
    def test_damaged_exif_leaves_the_image_as_it_is(
        self, tmp_path: Path, exif: bytes, recwarn: pytest.WarningsRecorder
    ) -> None:
        Image.new("RGB", (8, 4), "red").save(tmp_path / "damaged.jpg", exif=exif)
        assert pixels(tmp_path / "damaged.jpg").shape == (4, 8, 3)
        assert not recwarn.list, "Pillow's lines name no file"


class TestTransparency:
    """Transparent images are placed on white: value · alpha + 255 · (1 − alpha)."""

    def test_alpha(self, tmp_path: Path) -> None:
        Image.new("RGBA", (2, 2), (200, 100, 0, 51)).save(tmp_path / "alpha.png")
        assert colour(tmp_path / "alpha.png") == (244, 224, 204)  # alpha is one fifth

    def test_grey_with_alpha(self, tmp_path: Path) -> None:
        Image.new("LA", (2, 2), (55, 153)).save(tmp_path / "la.png")
        assert colour(tmp_path / "la.png") == (135, 135, 135)  # alpha is three fifths

    def test_a_palette_with_one_transparent_colour(self, tmp_path: Path) -> None:
        image = Image.new("P", (2, 2), 0)
        image.putpalette([0, 0, 255, 255, 0, 0])
        image.putpixel((1, 1), 1)
        image.save(tmp_path / "palette.png", transparency=0)
        assert pixels(tmp_path / "palette.png")[0, 0].tolist() == [255, 255, 255]
        assert pixels(tmp_path / "palette.png")[1, 1].tolist() == [255, 0, 0]

    def test_a_palette_with_alpha_for_each_colour(self, tmp_path: Path) -> None:
        image = Image.new("P", (2, 1), 0)
        image.putpalette([0, 0, 255, 255, 0, 0])
        image.putpixel((1, 0), 1)
        image.save(tmp_path / "palette.png", transparency=bytes([255, 51]))
        assert pixels(tmp_path / "palette.png").tolist() == [[[0, 0, 255], [255, 204, 204]]]

    def test_a_grey_that_stands_for_transparent(self, tmp_path: Path) -> None:
        Image.fromarray(GREY).save(tmp_path / "key.png", transparency=50)
        assert pixels(tmp_path / "key.png")[:, :, 0].tolist() == [[0, 255, 100], [150, 200, 250]]


class TestGrey:
    def test_eight_bits(self, tmp_path: Path) -> None:
        Image.fromarray(GREY).save(tmp_path / "grey.png")
        assert np.array_equal(pixels(tmp_path / "grey.png"), np.stack([GREY] * 3, axis=-1))

    @pytest.mark.parametrize("ending", ["png", "tif"])
    def test_sixteen_bits_are_scaled_not_clipped(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"deep.{ending}"
        Image.fromarray(np.array([[0, 257, 32768, 65535]], np.uint16)).save(path)
        assert pixels(path)[0, :, 0].tolist() == [0, 1, 128, 255]

    def test_one_bit(self, tmp_path: Path) -> None:
        Image.fromarray(np.array([[True, False]])).save(tmp_path / "bits.png")
        assert pixels(tmp_path / "bits.png")[0].tolist() == [[255, 255, 255], [0, 0, 0]]


class TestInks:
    """CMYK without a colour profile: red = (255 − cyan) · (255 − black) / 255, and so on."""

    INKS = (10, 200, 30, 50)
    LIGHT = (197, 44, 181)  # rounded from 196.96, 44.22, 180.88

    def test_as_adobe_writes_them(self, tmp_path: Path) -> None:
        (tmp_path / "inks.jpg").write_bytes(inks_jpeg(self.INKS))
        assert colour(tmp_path / "inks.jpg") == pytest.approx(self.LIGHT, abs=1)

    def test_as_the_format_says_where_adobe_does_not(self, tmp_path: Path) -> None:
        inverted = inks_jpeg(tuple(255 - ink for ink in self.INKS))
        start = inverted.index(ADOBE)
        (tmp_path / "inks.jpg").write_bytes(inverted[:start] + inverted[start + 16 :])
        assert colour(tmp_path / "inks.jpg") == pytest.approx(self.LIGHT, abs=1)

    def test_adobes_ycck(self, tmp_path: Path) -> None:
        """Cyan, magenta and yellow are encoded as red, green and blue are in YCbCr; this transform has the number 2."""
        cyan, magenta, yellow, black = self.INKS
        luma = 0.299 * cyan + 0.587 * magenta + 0.114 * yellow
        blue, red = 128 + (yellow - luma) / 1.772, 128 + (cyan - luma) / 1.402
        # The writer inverts its input, but only black is to be inverted.
        planes = (255 - round(luma), 255 - round(blue), 255 - round(red), black)
        jpeg = bytearray(inks_jpeg(planes))
        jpeg[jpeg.index(ADOBE) + 15] = 2
        (tmp_path / "ycck.jpg").write_bytes(jpeg)
        assert colour(tmp_path / "ycck.jpg") == pytest.approx(self.LIGHT, abs=2)

    def test_in_a_tiff(self, tmp_path: Path) -> None:
        Image.new("CMYK", (2, 2), self.INKS).save(tmp_path / "inks.tif")
        assert colour(tmp_path / "inks.tif") == pytest.approx(self.LIGHT, abs=1)


ADOBE = b"\xff\xee\x00\x0eAdobe"


def inks_jpeg(inks: tuple[int, ...]) -> bytes:
    """A CMYK photo as Adobe writes it: inverted and marked."""
    file = io.BytesIO()
    Image.new("CMYK", (16, 16), inks).save(file, "JPEG", quality=100, subsampling=0)
    return file.getvalue()


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_of_an_animation_or_several_pages_the_first_counts(tmp_path: Path, ending: str) -> None:
    first, *others = (Image.new("RGB", (4, 4), name) for name in ("red", "blue", "lime"))
    first.save(tmp_path / f"many.{ending}", save_all=True, append_images=others, lossless=True)
    assert pixels(tmp_path / f"many.{ending}")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 2000), (2500, 2000)])
def test_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("L", size, 7).save(tmp_path / "image.png")
    assert pixels(tmp_path / "image.png").shape == (size[1], size[0], 3)


def test_an_image_in_memory_is_left_as_it_was() -> None:
    image = Image.new("RGB", (2, 2), "red")
    to_rgb(image).putpixel((0, 0), (0, 0, 0))
    assert image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"not an image", "damaged, or in an unknown format"),
        (b"\x89PNG\r\n\x1a\n broken", "damaged, or in an unknown format"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML>\n<title>404</title>", "a web page with the name of an image"),
        (b"<HTML><body>Access denied", "a web page with the name of an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC or a video: convert it to JPEG or PNG"),
    ],
)
def test_an_unreadable_file_is_named_with_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"broken\.png: not a readable image \({words}") as caught:
        load_rgb(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "half.jpg", size=(64, 64))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"half\.jpg"):
        load_rgb(path)


class TestManyPixels:
    """The limits in miniature: Pillow warns above 50 pixels and refuses more than 100; we refuse more than 400."""

    @pytest.fixture(autouse=True)
    def limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
        monkeypatch.setattr("datasets.images.MOST_PIXELS", 400)

    @pytest.mark.parametrize("size", [(10, 10), (20, 20)])
    def test_a_large_photo_is_read_without_a_warning(
        self, tmp_path: Path, size: tuple[int, int], recwarn: pytest.WarningsRecorder
    ) -> None:
        path = write_image(tmp_path / "large.png", size=size)
        assert load_rgb(path).size == size
        assert not recwarn.list

    def test_one_too_large_is_told_as_that(self, tmp_path: Path) -> None:
        path = write_image(tmp_path / "larger.png", size=(20, 21))
        with pytest.raises(UserError, match=r"larger\.png: more than 0 megapixels: make it smaller$"):
            load_rgb(path)

    def test_pillows_own_limit_holds_again_after_each(self, tmp_path: Path) -> None:
        """Other code in the same process, such as a server, may rely on Pillow's limit."""
        for size in ((20, 20), (20, 21)):
            image_problem(write_image(tmp_path / "large.png", size=size))
            assert Image.MAX_IMAGE_PIXELS == 50

    def test_a_program_with_pillow_alone_refuses_it(self, tmp_path: Path) -> None:
        assert reads_plainly(write_image(tmp_path / "plain.png", size=(10, 10)))
        assert not reads_plainly(write_image(tmp_path / "large.png", size=(20, 20)))


def test_the_limit_lets_the_largest_photos_of_phones_pass() -> None:
    assert MOST_PIXELS > 16_320 * 12_240


def test_what_a_decoder_says_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object) -> None:
        raise ValueError("palaver " * 30)

    path = write_image(tmp_path / "photo.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fails)
    with pytest.raises(UserError, match=r"\((palaver ){20}\)$"):
        load_rgb(path)


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, AttributeError, IndexError])
def test_whatever_a_decoder_raises_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Pillow's AVIF, DDS and SPIDER decoders raise all kinds of errors for damaged files."""

    def fails(*_arguments: object) -> None:
        raise error("of the decoder\nand more")

    path = write_image(tmp_path / "photo.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fails)
    with pytest.raises(UserError, match=r"photo\.png: not a readable image \(of the decoder and more\)"):
        load_rgb(path)


def test_an_image_is_not_damaged_where_memory_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object) -> None:
        raise MemoryError

    path = write_image(tmp_path / "photo.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fails)
    with pytest.raises(MemoryError):
        check_images([path], "skip")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.png: no such image file"):
        load_rgb(tmp_path / "gone.png")
    with pytest.raises(UserError, match="not a readable image"):
        load_rgb(tmp_path)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.jpg")
    with pytest.raises(
        UserError, match=r"photo\.jpg: not a readable image \(a named pipe, which would have to be waited for\)"
    ):
        check_images([tmp_path / "photo.jpg"])


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

    def test_one_is_not_told_as_many(self, paths: list[Path], caplog: pytest.LogCaptureFixture) -> None:
        check_images(paths[:2], "skip")
        assert caplog.messages == [
            f"1 unreadable image file skipped: {paths[1]}: not a readable image (damaged, or in an unknown format)"
        ]

    def test_another_choice_is_refused(self, paths: list[Path]) -> None:
        with pytest.raises(UserError, match="refuse, skip"):
            check_images(paths, "ignore")

    def test_of_many_the_first_three_are_named(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        for number in range(5):
            (tmp_path / f"{number}.png").write_bytes(b"")
        assert check_images([tmp_path / f"{number}.png" for number in range(5)], "skip") == []
        (line,) = caplog.messages
        assert line.startswith("5 unreadable image files skipped: ") and line.count(".png") == 3 and line.endswith("…")

    def test_a_long_wait_is_announced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = write_image(tmp_path / "1.png")
        check_images([path] * 3)
        assert not caplog.messages
        monkeypatch.setattr("datasets.images._MANY", 2)
        check_images([path] * 3)
        assert caplog.messages == ["decoding 3 image files to check them; this takes a while"]

    def test_a_problem_is_a_line(self, paths: list[Path]) -> None:
        assert image_problem(paths[0]) == ""
        assert image_problem(paths[1]) == f"{paths[1]}: not a readable image (damaged, or in an unknown format)"
