"""A folder to train on: what is copied unchanged, what becomes a PNG, how files are named, and nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from benchmark.augmented_folder import SUFFIXES, ImageToWrite, real_images, refuse_unwritable, write_folder
from datasets.base import DATASETS
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.images import load_rgb
from tests.benchmark.augmented import NOUNS, lines


def write_odd_photos(folder: Path) -> None:
    """Write photos that torchvision skips or reads differently than we do, and two that both read alike."""
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (4, 8, 4), np.uint8)
    photo, exif = Image.fromarray(pixels[..., :3]), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # as a phone writes a photo taken upright
    photo.save(folder / "turned.jpg", exif=exif)
    Image.fromarray(pixels).save(folder / "cut out.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    photo.save(folder / "suffix.jfif", "JPEG")
    photo.save(folder / "moving.gif")
    photo.save(folder / "small.JP2")
    photo.save(folder / "plain.JPG")
    photo.convert("L").save(folder / "grey.png")


def test_photos_that_torchvision_would_leave_out_or_read_otherwise_are_written_as_png(tmp_path: Path):
    from torchvision.datasets import ImageFolder

    for noun in NOUNS:
        write_odd_photos(tmp_path / "photos" / noun)
    dataset = DATASETS["imagefolder"](data_root=tmp_path / "photos")
    task = FewShotTask("imagefolder", dataset, 8, 0, tuple(dataset.examples(0)), (), {})
    write_folder(tmp_path / "out", real_images(task, {"method": "diagen"}), {})
    loaded = ImageFolder(str(tmp_path / "out"))
    read = {path: loaded.loader(path) for path, _ in loaded.samples}
    copies = []
    for line in lines(tmp_path / "out"):
        photo, file = tmp_path / "photos" / line["guide"], tmp_path / "out" / line["file"]
        np.testing.assert_array_equal(read.pop(str(file)), load_rgb(photo))
        copies += [photo.name] if file.read_bytes() == photo.read_bytes() else []
    assert read == {}
    assert copies == ["grey.png", "plain.JPG"] * 2


def test_the_suffixes_are_torchvisions():
    from torchvision.datasets.folder import IMG_EXTENSIONS

    assert SUFFIXES == IMG_EXTENSIONS


def image(noun: str, write: Callable[[Path], object]) -> ImageToWrite:
    facts = {"kind": "real", "class": noun, "guide": "../../1.jpg", "weight": 1.0, "run": "r", "method": "m"}
    return ImageToWrite(facts, ".jpg", write)


def test_no_name_leads_out_of_the_folder(tmp_path: Path):
    write_folder(tmp_path / "in" / "out", [image("../../x", Path.touch)], {"y": "z"})
    assert [line["file"] for line in lines(tmp_path / "in" / "out")] == ["__.._x/1.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [(OSError(28, "full"), UserError, "cannot write .*out: full"), (KeyboardInterrupt(), KeyboardInterrupt, "^$")],
)
def test_a_failure_leaves_no_folder(tmp_path: Path, error: BaseException, raised: type[BaseException], message: str):
    def fail(_path: Path) -> None:
        raise error

    with pytest.raises(raised, match=message):
        write_folder(tmp_path / "out", [image("x", Path.touch), image("x", fail)], {})
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_made_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Root is refused too, though no permission stops it: a file in the way, the working directory, a mount point."""
    (tmp_path / "file").touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match=r"file/a/b: Not a directory; name another folder with --out"):
        refuse_unwritable(tmp_path / "file" / "a" / "b")
    with pytest.raises(UserError, match=r"^\. cannot be replaced, since this command runs in it: name a new folder"):
        refuse_unwritable(Path())
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path / "disk")
    (tmp_path / "disk").mkdir()
    with pytest.raises(UserError, match=r"disk cannot be replaced, since a disk is mounted there"):
        refuse_unwritable(tmp_path / "disk")
    refuse_unwritable(tmp_path / "disk" / "new" / "folder")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["disk", "file", "here"]
