"""The store: whole files or none, damaged ones made again, a full disk said in one line."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.store import Store
from datasets.errors import UserError

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


def test_a_full_disk_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"no space left for the store .*DIAGEN_STORE"):
        Store(tmp_path).put_array("words", KEY, np.zeros(3))


def test_the_folder_is_the_environments_or_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIAGEN_STORE", raising=False)
    assert Store().folder == tmp_path / "store"
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "elsewhere"))
    assert Store().folder == tmp_path / "elsewhere"
