"""The store: whole files or none, damaged files made again, a full disk reported in one line."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.store import Store
from datasets.errors import CannotKeep

KEY = "ab" * 32


def test_what_was_put_comes_back(tmp_path: Path):
    store = Store(tmp_path)
    array, value = np.arange(6, dtype=np.float32).reshape(2, 3), {"prompt": "a photo of a <word>"}
    image = Image.new("RGB", (4, 3), (1, 2, 3))
    store.put_array("words", KEY, array)
    store.put_json("prompts", KEY, value)
    path = store.put_image("images", KEY, image)
    assert np.array_equal(store.array("words", KEY), array)
    assert store.json("prompts", KEY) == value
    assert store.image("images", KEY) == path
    assert Image.open(path).tobytes() == image.tobytes()
    assert not list(tmp_path.rglob(".writing-*"))


def test_what_was_not_put_is_missing(tmp_path: Path):
    store = Store(tmp_path)
    assert store.array("words", KEY) is None
    assert store.json("prompts", KEY) is None
    assert store.image("images", KEY) is None


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\0" * len(data)]
)
def test_a_damaged_entry_counts_as_missing(tmp_path: Path, damage):
    store = Store(tmp_path)
    store.put_array("words", KEY, np.arange(100.0))
    store.put_json("prompts", KEY, ["a", "b"])
    store.put_image("images", KEY, Image.effect_noise((32, 32), 50).convert("RGB"))
    for kind, suffix in (("words", ".npy"), ("prompts", ".json"), ("images", ".png")):
        path = store.path(kind, KEY, suffix)
        path.write_bytes(damage(path.read_bytes()))
    assert store.array("words", KEY) is None
    assert store.json("prompts", KEY) is None
    assert store.image("images", KEY) is None


def test_a_writer_that_dies_leaves_nothing_behind(tmp_path: Path):
    store = Store(tmp_path)

    class Unsaveable:
        def save(self, file, format):
            file.write(b"half a file")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put_image("images", KEY, Unsaveable())
    assert store.image("images", KEY) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_images_are_written_behind_and_come_back_in_order(tmp_path: Path):
    store = Store(tmp_path)
    images = [(f"{i:064d}", Image.new("RGB", (8 + i % 7, 8), (i, 0, 0))) for i in range(150)]
    written = list(store.put_images("images", iter(images)))
    assert [key for key, _ in written] == [key for key, _ in images]
    for (key, image), (_, path) in zip(images, written, strict=True):
        assert path == store.image("images", key)
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(image))


def test_a_disk_that_fills_up_stops_the_maker_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = []

    def images():
        for i in range(10_000):
            made.append(i)
            yield f"{i:064d}", Image.new("RGB", (8, 8))

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(CannotKeep, match="no space left for the store"):
        list(Store(tmp_path).put_images("images", images()))
    assert len(made) < 200


def test_a_full_disk_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("benchmark.store.whole_file", full)
    with pytest.raises(CannotKeep, match=r"no space left for the store .*DIAGEN_STORE"):
        Store(tmp_path).put_array("words", KEY, np.zeros(3))


def test_an_array_that_is_half_written_is_told_with_the_systems_reason(tmp_path: Path):
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, usual[1]))
    try:
        with pytest.raises(CannotKeep, match=r"cannot write to the store .*: File too large; set DIAGEN_STORE"):
            Store(tmp_path).put_array("words", KEY, np.zeros(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with one entry that cannot be written to."""

    def refuse(path: Path):
        raise OSError(errno.EROFS, "Read-only file system")

    Store(tmp_path).put_array("words", KEY, np.zeros(3))
    monkeypatch.setattr("benchmark.store.whole_file", refuse)
    return Store(tmp_path)


def test_what_a_read_only_store_holds_can_be_read(read_only: Store):
    assert read_only.array("words", KEY) is not None


def test_what_a_read_only_store_lacks_is_refused_before_it_is_made(read_only: Store):
    with pytest.raises(CannotKeep, match=r"cannot write to the store .*: Read-only file system; set DIAGEN_STORE"):
        read_only.image("images", KEY)


def test_a_file_in_the_folders_place_is_refused_at_once(tmp_path: Path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(
        CannotKeep, match=rf"cannot write to the store {file}: {file} is not a folder; set DIAGEN_STORE"
    ):
        Store(file)


def test_the_look_whether_it_can_be_written_to_leaves_nothing_behind(tmp_path: Path):
    assert Store(tmp_path / "new").array("words", KEY) is None
    assert [path.name for path in tmp_path.rglob("*")] == ["new"]


def test_the_folder_is_the_environments_or_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIAGEN_STORE", raising=False)
    assert Store().folder == tmp_path / "store"
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in (str(tmp_path / "else where"), "~/else where"):  # quoted, so that the shell does not expand ~
        monkeypatch.setenv("DIAGEN_STORE", given)
        assert Store().folder == tmp_path / "else where"
