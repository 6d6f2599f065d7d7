"""A classifier as files: once loaded, it predicts as the saved one did, whatever form an image is given in."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import evaluation.saved_classifier as module
from datasets import plugins
from datasets.errors import UserError
from datasets.plugins import load_file
from evaluation.backbones import BACKBONES
from evaluation.classifier import Head
from evaluation.saved_classifier import SavedClassifier, as_image, load_classifier


class Brightness:
    """A backbone with one feature, the mean brightness from 0 to 1."""

    batch_size = 2

    def pixels(self, image: Image.Image) -> np.ndarray:
        return np.array([np.asarray(image, np.float32).mean() / 255], np.float32)

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return iter(batches)


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch) -> SavedClassifier:
    """A classifier that separates dark from bright at one half."""
    monkeypatch.setitem(BACKBONES._plugins, "brightness", Brightness)
    monkeypatch.setattr(module, "_shared_backbone", lambda name, size, dtype: Brightness())
    weight, bias = np.array([[-8.0], [8.0]], np.float32), np.array([4.0, -4.0], np.float32)
    return SavedClassifier(("dark thing", "helles Ding"), "brightness", 32, Head(weight, bias))


def picture(value: int, size: tuple[int, int] = (6, 4)) -> Image.Image:
    return Image.new("RGB", size, (value, value, value))


def test_what_is_loaded_predicts_the_same(classifier: SavedClassifier, tmp_path: Path):
    classifier.save(tmp_path)
    images = [picture(10), picture(240)]
    names, confidence = load_classifier(tmp_path).predict(images)
    assert names == ["dark thing", "helles Ding"]
    assert (names, confidence) == classifier.predict(images)
    assert confidence[0] == pytest.approx(1 / (1 + np.exp(-(8 - 16 * 10 / 255))), abs=1e-6)


TINY = """
from evaluation.backbones import BACKBONES

@BACKBONES.register("tiny")
def tiny():
    from torch import nn
    from evaluation.frozen import Network, weights_digest
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Network(module, (0.5,) * 3, (0.5,) * 3, "bilinear", weights_digest(module))
"""


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a classifier whose backbone's plugin file is gone, with nothing registered any more."""
    monkeypatch.setattr(BACKBONES, "_plugins", {})
    monkeypatch.setattr(plugins, "_sources", {})
    register(tmp_path / "mine.py", TINY)
    (tmp_path / "mine.py").unlink()
    folder = tmp_path / "classifier"
    folder.mkdir()
    SavedClassifier(("red", "blue"), "tiny", 32, Head(np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32))).save(
        folder
    )
    BACKBONES._plugins.clear()
    plugins._sources.clear()
    return folder


def register(file: Path, text: str) -> None:
    file.write_text(text)
    load_file(file)


def test_a_plugins_backbone_is_loaded_with_the_classifier(saved: Path):
    (name,), _ = load_classifier(saved).predict([Image.new("RGB", (8, 8), "red")])
    assert name == "red"
    assert load_classifier(saved).backbone == "tiny", "a second time"


def test_another_backbone_under_the_same_name_is_not_taken(saved: Path, tmp_path: Path):
    register(tmp_path / "newer.py", f"{TINY}# changed")
    with pytest.raises(UserError, match="another file registers the classifier's backbone 'tiny'"):
        load_classifier(saved)


def test_a_backbone_that_nothing_registers_is_told_when_the_classifier_is_loaded(saved: Path):
    (saved / "backbone.py").unlink()
    with pytest.raises(UserError, match="backbone 'tiny' is unknown here: import its code"):
        load_classifier(saved)


def test_an_image_may_come_in_any_form(tmp_path: Path):
    path = tmp_path / "photo.png"
    picture(77).save(path)
    data = path.read_bytes()
    forms = [path, str(path), data, picture(77), np.full((4, 6, 3), 77, np.uint8)]
    for form in forms:
        image = as_image(form)
        assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (6, 4), (77, 77, 77))


def test_a_path_may_start_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    picture(77).save(tmp_path / "photo.png")
    assert as_image("~/photo.png").getpixel((0, 0)) == (77, 77, 77)
    with pytest.raises(UserError, match=r"^'~/gone\.png' is neither an image file nor base64 of one$"):
        as_image("~/gone.png")


def test_base64_may_come_in_any_dress(tmp_path: Path):
    file = io.BytesIO()
    Image.effect_noise((20, 20), 60).convert("RGB").save(file, format="PNG")
    data = file.getvalue()
    text, lines, safe = (
        encode(data).decode() for encode in (base64.b64encode, base64.encodebytes, base64.urlsafe_b64encode)
    )
    assert {"+", "/"} <= set(text), "a URL-safe text would be the same"
    dresses = [text, lines, lines.replace("\n", "\r\n"), safe, safe.rstrip("="), f"data:image/png;base64,{text}"]
    for dress in dresses:
        assert as_image(dress) == as_image(data)


def test_a_path_where_no_image_lies_is_not_told_as_base64_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("cups").mkdir()
    with pytest.raises(UserError, match=r"^'cups' is a folder: name an image file in it$"):
        as_image("cups")
    with pytest.raises(
        UserError, match=r"^'data/cup' is not a file, and as base64 it is not a readable image of 6 bytes"
    ):
        as_image("data/cup")


def test_of_what_is_sent_pillows_limit_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
):
    """In miniature, with 100 pixels. An image file may be larger, because its owner is trusted."""
    assert 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000 == module.MOST_SENT
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    for width in (10, 11):
        picture(50, (width, 10)).save(tmp_path / f"{width}.png")
        assert as_image(tmp_path / f"{width}.png").size == (width, 10)
    assert as_image((tmp_path / "10.png").read_bytes()).size == (10, 10)
    with pytest.raises(UserError, match=r"^an image of more than 178 megapixels: make it smaller$"):
        as_image((tmp_path / "11.png").read_bytes())
    assert not recwarn.list


def test_transparency_is_white_whatever_the_form():
    clear = np.zeros((4, 6, 4), np.uint8)
    for form in (clear, Image.fromarray(clear)):
        assert as_image(form).getpixel((0, 0)) == (255, 255, 255)


def test_a_photo_taken_sideways_is_upright_whether_it_is_a_file_or_bytes(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated by 90 degrees
    file = io.BytesIO()
    picture(50).save(file, format="JPEG", exif=exif)
    (tmp_path / "sideways.jpg").write_bytes(file.getvalue())
    assert as_image(file.getvalue()).size == as_image(tmp_path / "sideways.jpg").size == (4, 6)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nowhere.jpg", "'nowhere.jpg' is neither an image file nor base64"),
        (b"<html>", "not a readable image of 6 bytes"),
        (base64.b64encode(b"no image").decode(), "not a readable image of 8 bytes"),
        (3.5, "not float"),
        (np.zeros((4, 6, 3)), r"an array must have bytes, 0 to 255, .*, not float64 \(4, 6, 3\)"),
        (np.zeros((4, 6, 2), np.uint8), r"not uint8 \(4, 6, 2\)"),
        (np.zeros((3, 4, 6), np.uint8), r"not uint8 \(3, 4, 6\)"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(value: object, message: str):
    with pytest.raises(UserError, match=message):
        as_image(value)
