"""`prepare DATASET`, from a local server to a table of counts."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from benchmark.cli import main
from benchmark.counts import counts_table
from benchmark.prepare import SHOWN_PROBLEMS, prepare_dataset, report, verify_dataset
from datasets import download
from datasets.base import DATASETS, Splits, Verification
from datasets.download import Archive
from datasets.errors import UserError
from datasets.folders import FolderDataset, flat
from datasets.location import dataset_folder
from tests.datasets.folders import write_classes
from tests.datasets.http_server import Server, loopback_server


class Pets(FolderDataset):
    """A dataset of `pets/photos/<class>/*.png` and `pets/studio/<class>/*.png`, each from its own archive."""

    title = source = licence = "a test"
    other_folders = ("animals",)

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:
        advice = "the data root must hold the pets folder"
        self.root = dataset_folder(data_root, "pets", "photos", advice, self.other_folders)
        self._names = self.classes = ("cat", "dog")
        folders = [self.root / "photos", self.root / "studio"]
        groups = self._read(folders, unreadable)
        self._photos, self._test = groups[folders[0]], flat(groups[folders[1]])

    def splits(self, seed: int) -> Splits:
        return Splits(
            tuple(pool[:1] for pool in self._photos), flat([p[1:] for p in self._photos]), {"test": self._test}
        )


MINE = """
from datasets.base import DATASETS, Verification
from datasets.mini_focus.dataset import MiniFocus

@DATASETS.register("mine")
class Mine(MiniFocus):
    @classmethod
    def verify(cls, data_root, advance, **settings):
        return Verification({}, ("a picture is upside down",))
"""
"""A dataset that needs no folder and has a problem."""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIAGEN_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "WAIT", 0.0)


@pytest.fixture
def server() -> Iterator[Server]:
    with loopback_server() as server:
        yield server


@pytest.fixture
def pets(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a dataset whose archives the server serves; the download of its photos breaks off twice."""
    archives = []
    shades = count()
    for folder, breaks_off in {"photos": (500, 300), "studio": ()}.items():
        names = [f"{folder}/{name}/{number}.png" for name in ("cat", "dog") for number in range(3)]
        body = zipped({name: png(next(shades)) for name in names})
        url = server.serve(f"/{folder}.zip", body, breaks_off=breaks_off)
        checksum = f"sha256:{hashlib.sha256(body).hexdigest()}"
        archives.append(Archive(url, f"{folder}.zip", "pets", (folder,), size=len(body), checksum=checksum))
    monkeypatch.setattr(Pets, "archives", tuple(archives))
    monkeypatch.setitem(DATASETS._plugins, "pets", Pets)
    return "pets"


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


class TestPrepare:
    def test_downloads_unpacks_and_counts(self, pets: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        prepare_dataset(pets, str(tmp_path))
        out, _ = capsys.readouterr()
        assert out.splitlines() == [
            "pets · 2 classes · 12 images",
            "class  train pool  validation  test  sum",
            "────────────────────────────────────────",
            "cat             1           2     3    6",
            "dog             1           2     3    6",
            "sum             2           4     6   12",
            "every image is readable and no problem was found",
        ]

    def test_a_second_time_asks_the_server_nothing(self, pets: str, server: Server, tmp_path: Path) -> None:
        prepare_dataset(pets, str(tmp_path))
        asked = len(server.requests)
        prepare_dataset(pets, str(tmp_path))
        assert len(server.requests) == asked == 4

    def test_archives_may_be_removed_afterwards(self, pets: str, server: Server, tmp_path: Path) -> None:
        prepare_dataset(pets, str(tmp_path))
        asked = len(server.requests)
        for path in (tmp_path / "downloads").iterdir():
            path.unlink()
        prepare_dataset(pets, str(tmp_path))
        assert len(server.requests) == asked

    def test_only_what_is_missing_is_fetched(self, pets: str, server: Server, tmp_path: Path) -> None:
        prepare_dataset(pets, str(tmp_path))
        server.requests.clear()
        (tmp_path / "pets" / "studio").rename(tmp_path / "elsewhere")
        (tmp_path / "downloads" / "studio.zip").unlink()
        prepare_dataset(pets, str(tmp_path))
        assert [request.path for request in server.requests] == ["/studio.zip"]

    def test_the_data_root_may_be_the_datasets_own_folder(self, pets: str, server: Server, tmp_path: Path) -> None:
        prepare_dataset(pets, str(tmp_path))
        server.requests.clear()
        prepare_dataset(pets, str(tmp_path / "pets"))
        assert server.requests == []

    def test_the_folder_may_have_another_name(self, pets: str, server: Server, tmp_path: Path) -> None:
        prepare_dataset(pets, str(tmp_path))
        server.requests.clear()
        (tmp_path / "pets").rename(tmp_path / "animals")
        prepare_dataset(pets, str(tmp_path))
        assert server.requests == []
        assert not (tmp_path / "pets").exists()

    def test_the_data_root_may_come_from_the_environment(
        self, pets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DIAGEN_DATA", str(tmp_path))
        prepare_dataset(pets)
        assert (tmp_path / "pets" / "photos" / "cat" / "0.png").exists()

    def test_without_a_data_root_it_says_what_to_give(self, pets: str, server: Server) -> None:
        with pytest.raises(UserError, match=r"no data root given; .*--data-root or .*DIAGEN_DATA"):
            prepare_dataset(pets)
        assert server.requests == []

    def test_the_embedded_dataset_needs_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        prepare_dataset("mini_focus")
        out, err = capsys.readouterr()
        assert "comes with this repository" in err
        assert out.startswith("mini_focus · 10 classes · ")
        assert out.splitlines()[-2].split() == ["sum", "80", "100", "1000", "1000", "2180"]

    def test_a_dataset_of_the_users_is_not_of_this_repository_and_the_advice_loads_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(DATASETS, "_plugins", dict(DATASETS._plugins))
        plugin = tmp_path / "mine.py"
        plugin.write_text(MINE)
        assert main(["prepare", "mine", "--plugins", str(plugin)]) == 2
        err = capsys.readouterr().err
        assert "comes with this repository" not in err
        assert f"`python -m benchmark prepare mine --verify --plugins {plugin}`" in " ".join(err.split())

    def test_a_setting_that_is_wrong_is_refused_before_anything_is_fetched(
        self, pets: str, server: Server, tmp_path: Path
    ) -> None:
        with pytest.raises(UserError, match=r"pets\.breed"):
            prepare_dataset(pets, str(tmp_path), ("pets.breed=all",))
        assert server.requests == []

    def test_instructions_are_printed_before_anything_is_looked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(Pets, "instructions", "Fetch the pets from the shelter.")
        monkeypatch.setitem(DATASETS._plugins, "pets", Pets)
        with pytest.raises(UserError, match="pets: no such folder"):
            prepare_dataset("pets", str(tmp_path))
        assert capsys.readouterr().out == "Fetch the pets from the shelter.\n"


class TestVerify:
    def test_asks_no_server(self, pets: str, server: Server, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="pets: no such folder"):
            verify_dataset(pets, str(tmp_path))
        assert server.requests == []

    def test_problems_are_listed_and_end_in_an_error(
        self, pets: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        prepare_dataset(pets, str(tmp_path))
        capsys.readouterr()
        for path in (tmp_path / "pets" / "studio" / "dog").iterdir():
            path.unlink()
        with pytest.raises(UserError, match=rf"pets: 1 problem in {tmp_path}; .*prepare pets --verify"):
            verify_dataset(pets, str(tmp_path))
        assert "dog: no image in test" in capsys.readouterr().out.splitlines()

    def test_a_users_own_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_classes(tmp_path, {"cat": 20, "dog": 20})
        verify_dataset("imagefolder", str(tmp_path))
        assert capsys.readouterr().out.startswith("imagefolder · 2 classes · 40 images\n")

    def test_too_few_images_to_divide_are_counted_and_a_setting_that_is_advised_is_taken(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        photos = tmp_path / "own photos"
        write_classes(photos, {"cat": 8, "dog": 8})
        with pytest.raises(UserError) as caught:
            verify_dataset("imagefolder", str(photos), ("imagefolder.train_pool=7",))
        command = f"prepare imagefolder --verify --data-root '{photos}' --set=imagefolder.train_pool=7`"
        assert str(caught.value).endswith(command)
        *table, problem = capsys.readouterr().out.splitlines()
        assert table[0] == "imagefolder · 2 classes · 16 images"
        assert "lower it with --set imagefolder.train_pool=6" in problem
        assert main(["prepare", "imagefolder", "--data-root", str(photos), "--set", "imagefolder.train_pool=6"]) == 0
        assert capsys.readouterr().out.splitlines()[-2].split() == ["sum", "12", "2", "2", "16"]


class TestReport:
    def test_many_problems_are_cut_to_a_count(self) -> None:
        problems = tuple(f"{number}.jpg: unreadable" for number in range(SHOWN_PROBLEMS + 5))
        lines = report("pets", Verification({"cat": {"test": 1}}, problems)).splitlines()
        assert lines[-2:] == [f"{SHOWN_PROBLEMS - 1}.jpg: unreadable", "… and 5 more"]

    def test_missing_cells_are_dashes(self) -> None:
        table = counts_table("focus", {"cat": {"snow": 3}, "dog": {"night": 12}})
        assert table.splitlines()[1:] == [
            "class  snow  night  sum",
            "───────────────────────",
            "cat       3      –    3",
            "dog       –     12   12",
            "sum       3     12   15",
        ]

    def test_a_long_class_name_is_cut(self) -> None:
        lines = counts_table("imagefolder", {"x" * 200: {"test": 3}, "y" * 40: {"test": 4}}).splitlines()
        assert lines[3].split() == ["x" * 39 + "…", "3", "3"]
        assert lines[4].split() == ["y" * 40, "4", "4"]

    def test_many_columns_follow_below_each_other(self) -> None:
        counts = {"cat": {f"setting {number}": 1 for number in range(31)}}
        table = counts_table("focus", counts)
        assert max(len(line) for line in table.splitlines()) < 160
        assert all(f"setting {number}" in table for number in range(31))
        assert table.splitlines()[-1].split()[-1] == "31"

    def test_of_very_many_classes_the_smallest_are_shown(self) -> None:
        counts = {f"class {number}": {"test": number} for number in range(1, 1001)}
        lines = counts_table("imagefolder", counts).splitlines()
        assert lines[0] == "imagefolder · 1000 classes · 500500 images · the 30 classes with the fewest"
        assert lines[3].startswith("class 1 ") and len(lines) == 34
        assert lines[-1].split() == ["sum", "500500", "500500"]

    def test_nothing_is_said_of_counts_where_nothing_could_be_counted(self) -> None:
        assert report("pets", Verification({}, ("no cats",))) == "no cats"
