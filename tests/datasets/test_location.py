"""The data root, given by the user with each command or once and for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.errors import UserError
from datasets.location import dataset_folder, given_data_root, named_folder


def test_an_option_beats_the_environment_and_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIAGEN_DATA", raising=False)
    assert given_data_root("") is None
    assert given_data_root("~/photos") == Path.home() / "photos"
    monkeypatch.setenv("DIAGEN_DATA", "~/data")
    assert given_data_root("") == Path.home() / "data"
    assert given_data_root("here") == Path("here")


def test_a_missing_folder_is_told_with_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"^{tmp_path / 'data' / 'focus'}: no such folder; get it"):
        dataset_folder(Path("data"), "focus", "annotations.db", "get it")


def test_a_name_that_no_file_system_takes_is_a_line() -> None:
    with pytest.raises(UserError, match=r"^a{60}…: too long for the name of a file or folder$"):
        given_data_root("a" * 300)


def test_a_home_folder_that_is_not_known_is_a_line():
    with pytest.raises(UserError, match=r"^~nobody-of-this-name/photos: the home folder at its beginning is not"):
        given_data_root("~nobody-of-this-name/photos")


def test_a_folder_of_another_name_is_taken_where_it_alone_is_there(tmp_path: Path) -> None:
    others = ("coco2017", "mscoco")
    for name in (*reversed(others), "coco"):
        (tmp_path / name).mkdir()
        assert dataset_folder(tmp_path, "coco", "annotations", "get it", others) == tmp_path / name
    assert named_folder(tmp_path / "empty", "coco", others) == tmp_path / "empty" / "coco"
