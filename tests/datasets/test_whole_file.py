"""A file either exists completely or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.whole_file import whole_file, whole_folder


def test_the_file_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "data.bin"
    with whole_file(path) as file:
        file.write(b"half")
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"


def test_others_may_read_it_as_they_may_any_file_of_the_user(tmp_path: Path) -> None:
    with whole_file(tmp_path / "whole") as file:
        file.write(b"data")
    (tmp_path / "plain").write_bytes(b"data")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failure_leaves_what_was_there_before_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"before")

    def fail() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    folder.mkdir(parents=True)
    with whole_folder(folder) as unfinished:
        (unfinished / "data").write_bytes(b"whole")
        assert not list(folder.iterdir())
    assert [path.name for path in folder.iterdir()] == ["data"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "data").write_bytes(b"before")

    def replace() -> None:
        with whole_folder(tmp_path / "folder") as unfinished:
            (unfinished / "data").write_bytes(b"after")

    with pytest.raises(OSError, match="folder"):
        replace()
    assert (tmp_path / "folder" / "data").read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


@pytest.mark.parametrize("there", [True, False])
def test_of_a_link_the_folder_that_it_leads_to_is_made(tmp_path: Path, there: bool) -> None:
    disk, link = tmp_path / "disk", tmp_path / "link"
    disk.mkdir()
    if there:
        (disk / "folder").mkdir()
    link.symlink_to(disk / "folder")
    with whole_folder(link) as unfinished:
        (unfinished / "data").write_bytes(b"whole")
        assert unfinished.parent == disk
    assert link.is_symlink()
    assert (link / "data").read_bytes() == b"whole"
