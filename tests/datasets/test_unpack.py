"""Unpacking: what archives must not do, and that an interruption leaves nothing half unpacked."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from datasets import download
from datasets import unpack as unpacking
from datasets.base import Advance
from datasets.download import Archive
from datasets.errors import UserError
from datasets.unpack import is_unpacked, unpack

Files = dict[str, bytes]
THINGS = Archive("http://example.org/things", "things", "things", ("train", "test"))
LAYOUT: Files = {"train/cup/1.jpg": b"one", "train/cup/2.jpg": b"two", "test/cup/1.jpg": b"three"}


def silent(name: str, total: int, unit: str) -> AbstractContextManager[Advance]:
    return nullcontext(lambda count: None)


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            # ZipInfo's constructor would change a malicious name; setting the attribute does not.
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return path


def write_tar(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


Write = Callable[[Path, Files], Path]
both = pytest.mark.parametrize("write", [write_zip, write_tar])


def tree(folder: Path) -> Files:
    """Every file under a folder, hidden ones included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def refusal(path: Path, root: Path, archive: Archive = THINGS) -> str:
    """Return the one line with which an archive is refused; nothing of the archive may be left."""
    with pytest.raises(UserError) as caught:
        unpack(archive, path, root / "things", silent)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert list((root / "things").iterdir()) == []
    return str(caught.value)


class TestAnHonestArchive:
    @both
    def test_its_folders_come_out_whole(self, tmp_path: Path, write: Write) -> None:
        path = write(tmp_path / "a", LAYOUT)
        assert not is_unpacked(THINGS, tmp_path / "things")
        unpack(THINGS, path, tmp_path / "things", silent)
        assert tree(tmp_path / "things") == LAYOUT
        assert is_unpacked(THINGS, tmp_path / "things")

    @both
    def test_only_what_is_asked_for_comes_out(self, tmp_path: Path, write: Write) -> None:
        inside = {f"repo-1/data/{name}": content for name, content in LAYOUT.items()}
        path = write(tmp_path / "a", {"repo-1/setup.py": b"no", **inside, "repo-1/data/other/1.jpg": b"no"})
        archive = Archive("http://example.org", "a", "things", ("train", "test"), inside="repo-1/data")
        unpack(archive, path, tmp_path / "things", silent)
        assert tree(tmp_path / "things") == LAYOUT

    def test_names_beyond_ascii_survive(self, tmp_path: Path) -> None:
        files = {"train/Gänse füßchen/été 1.jpg": b"1", "test/犬/1.jpg": b"2"}
        unpack(THINGS, write_zip(tmp_path / "a", files), tmp_path / "things", silent)
        assert tree(tmp_path / "things") == files

    def test_a_folder_that_is_there_is_left_alone(self, tmp_path: Path) -> None:
        mine = tmp_path / "things" / "train" / "mine.jpg"
        mine.parent.mkdir(parents=True)
        mine.write_bytes(b"mine")
        assert not is_unpacked(THINGS, tmp_path / "things")
        unpack(THINGS, write_zip(tmp_path / "a", LAYOUT), tmp_path / "things", silent)
        assert tree(tmp_path / "things") == {"train/mine.jpg": b"mine", "test/cup/1.jpg": b"three"}

    def test_what_a_kill_left_is_cleared_away(self, tmp_path: Path) -> None:
        left = tmp_path / "things" / ".unpacking-things" / "train" / "half.jpg"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"ha")
        assert not is_unpacked(THINGS, tmp_path / "things")
        unpack(THINGS, write_zip(tmp_path / "a", LAYOUT), tmp_path / "things", silent)
        assert tree(tmp_path / "things") == LAYOUT

    def test_nothing_has_its_name_before_everything_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stopped(*_: object) -> None:
            raise KeyboardInterrupt

        path = write_zip(tmp_path / "a", LAYOUT)
        monkeypatch.setattr(unpacking.shutil, "copyfileobj", stopped)
        with pytest.raises(KeyboardInterrupt):
            unpack(THINGS, path, tmp_path / "things", silent)
        assert list((tmp_path / "things").iterdir()) == []


class TestAttacks:
    @both
    @pytest.mark.parametrize(
        "name",
        [
            "../evil",
            "train/../../evil",
            "/etc/evil",
            "C:/evil",
            "c:evil",
            "train\\..\\..\\evil",
            "\\\\host\\evil",
            "..",
        ],
    )
    def test_a_path_that_leads_out(self, tmp_path: Path, write: Write, name: str) -> None:
        path = write(tmp_path / "a", {**LAYOUT, name: b"evil"})
        assert "points outside the folder" in refusal(path, tmp_path)
        assert not list(tmp_path.rglob("*evil*"))

    @pytest.mark.parametrize("target", ["/etc/passwd", "1.jpg"])
    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
    def test_a_link_in_a_tar(self, tmp_path: Path, target: str, kind: bytes) -> None:
        with tarfile.open(tmp_path / "a", "w") as file:
            link = tarfile.TarInfo("train/link")
            link.type, link.linkname = kind, target
            file.addfile(link)
        assert "'train/link' is a link" in refusal(tmp_path / "a", tmp_path)

    @pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
    def test_a_device_in_a_tar(self, tmp_path: Path, kind: bytes) -> None:
        with tarfile.open(tmp_path / "a", "w") as file:
            device = tarfile.TarInfo("train/device")
            device.type = kind
            file.addfile(device)
        assert "'train/device' is a device" in refusal(tmp_path / "a", tmp_path)

    @pytest.mark.parametrize(
        ("mode", "kind"), [(stat.S_IFLNK, "link"), (stat.S_IFCHR, "device"), (stat.S_IFIFO, "device")]
    )
    def test_a_link_or_device_in_a_zip(self, tmp_path: Path, mode: int, kind: str) -> None:
        info = zipfile.ZipInfo("train/it")
        info.external_attr = (mode | 0o777) << 16
        with zipfile.ZipFile(tmp_path / "a", "w") as file:
            file.writestr(info, "/etc/passwd")
        assert f"'train/it' is a {kind}" in refusal(tmp_path / "a", tmp_path)

    def test_a_password(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a", "w") as file:
            file.writestr("train/1.jpg", "secret")
            file.infolist()[0].flag_bits |= 1
        assert "'train/1.jpg' is a file under a password" in refusal(tmp_path / "a", tmp_path)

    def test_a_name_that_ends_early(self, tmp_path: Path) -> None:
        """Python's zipfile ends such a name at the null byte."""
        path = write_zip(tmp_path / "a", {**LAYOUT, "train/1.jpg\0.exe": b"evil"})
        assert "points outside the folder" in refusal(path, tmp_path)

    @both
    @pytest.mark.parametrize("files", [1, 20])
    def test_a_bomb(self, tmp_path: Path, write: Write, files: int) -> None:
        bomb = {f"train/{number}": bytes(20_000_000 // files) for number in range(files)}
        path = write(tmp_path / "a", {**LAYOUT, **bomb})
        assert path.stat().st_size < 100_000
        assert "20 times its size" in refusal(path, tmp_path)

    def test_a_bomb_that_lies_about_its_size(self, tmp_path: Path) -> None:
        path = write_zip(tmp_path / "a", {**LAYOUT, "train/bomb": bytes(20_000_000)})
        true, told = (20_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
        path.write_bytes(path.read_bytes().replace(true, told))
        assert "damaged" in refusal(path, tmp_path)

    @both
    def test_more_files_than_any_dataset_has(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
    ) -> None:
        monkeypatch.setattr(unpacking, "MAX_FILES", 2)
        assert "more than 2 files" in refusal(write(tmp_path / "a", LAYOUT), tmp_path)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_the_same_name_twice(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a", "w") as file:
            for content in ("first", "second"):
                file.writestr("train/1.jpg", content)
            file.writestr("test/1.jpg", "")
        assert "contains 1.jpg twice" in refusal(tmp_path / "a", tmp_path)


class TestABadArchive:
    @both
    def test_cut_short(self, tmp_path: Path, write: Write) -> None:
        path = write(tmp_path / "a", {name: bytes(range(256)) * 40 for name in LAYOUT})
        path.write_bytes(path.read_bytes()[:-200])
        assert "damaged, or not an archive" in refusal(path, tmp_path)

    def test_one_byte_wrong(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a", "w") as file:
            for name in LAYOUT:
                file.writestr(name, "A" * 1000)
        (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes().replace(b"AAAA", b"AABA", 1))
        assert "damaged, or not an archive" in refusal(tmp_path / "a", tmp_path)

    def test_an_error_page(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("<html>Not found</html>")
        assert "damaged, or not an archive" in refusal(tmp_path / "a", tmp_path)

    @both
    def test_another_archive(self, tmp_path: Path, write: Write) -> None:
        path = write(tmp_path / "a", {"train/cup/1.jpg": b"one"})
        assert "contains no folder 'test'" in refusal(path, tmp_path)

    def test_too_large_for_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write_zip(tmp_path / "a", LAYOUT)
        monkeypatch.setattr(download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
        with pytest.raises(UserError, match=r"unpacking a needs .* are free"):
            unpack(THINGS, path, tmp_path / "things", silent)
        assert list((tmp_path / "things").iterdir()) == []
