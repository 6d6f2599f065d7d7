"""A user's own photos: layouts, shots and splits, and clear messages about what cannot be used."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from datasets.base import Splits
from datasets.errors import UserError
from datasets.few_shot import few_shot_task
from datasets.image_folder import ImageFolder
from tests.datasets.folders import open_folder, write_classes, write_image

TWO = {"cup": 10, "key": 10}
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def sizes(splits: Splits) -> tuple[list[int], int, int]:
    return [len(pool) for pool in splits.train_pool], len(splits.validation), len(splits.tests["test"])


class TestOneFolderOfClasses:
    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, ([8, 8], 2 + 3, 3 + 3)),
            ({"train_pool": 4}, ([4, 4], 4 + 5, 5 + 5)),
            ({"validation_share": 0.9}, ([8, 8], 4 + 5, 1 + 1)),
            ({"validation_share": 0.01}, ([8, 8], 1 + 1, 4 + 5)),
        ],
    )
    def test_the_rest_is_divided_by_the_share_with_one_image_at_least_in_each(
        self, tmp_path: Path, settings: dict[str, Any], expected: Any
    ) -> None:
        write_classes(tmp_path, {"cup": 13, "key": 14})
        assert sizes(open_folder(tmp_path, **settings).splits(0)) == expected

    def test_all_photos_are_those_of_the_class_folders_in_natural_order(self, tmp_path: Path) -> None:
        """All photos are found, however few there are, but none from `uncommon`."""
        write_classes(tmp_path, {"cup": 1, "key": 11})
        write_classes(tmp_path / "uncommon", {"cup": 2, "key": 2})
        (cups, keys), validation = open_folder(tmp_path).all_photos()
        assert [photo.identifier for photo in cups] == ["cup/cup (1).jpg"]
        assert [photo.identifier for photo in keys] == [f"key/key ({number}).jpg" for number in range(1, 12)]
        assert {photo.label for photo in keys} == {1}
        assert validation == ()

    def test_ten_images_are_enough_and_nine_too_few(self, tmp_path: Path) -> None:
        write_classes(tmp_path, TWO)
        assert sizes(open_folder(tmp_path).splits(0)) == ([8, 8], 2, 2)
        (tmp_path / "key" / "key (4).jpg").unlink()
        with pytest.raises(
            UserError,
            match=r"class 'key' has 9 images: 8 for the train pool and at least 1 to validate and 1 to test are "
            r"needed; add images, or lower it with --set imagefolder\.train_pool=7 \(and at most as many shots\)",
        ):
            open_folder(tmp_path).splits(0)
        assert sizes(open_folder(tmp_path, train_pool=7).splits(0)) == ([7, 7], 1 + 1, 2 + 1)

    def test_two_images_are_never_enough(self, tmp_path: Path) -> None:
        write_classes(tmp_path, {"cup": 2, "key": 10})
        with pytest.raises(UserError, match=r"class 'cup' has 2 images.*; add images$"):
            open_folder(tmp_path, train_pool=1).splits(0)

    @pytest.mark.parametrize("settings", [{"train_pool": 0}, {"validation_share": 0.0}, {"validation_share": 1.0}])
    def test_settings_out_of_range_are_named(self, tmp_path: Path, settings: dict[str, Any]) -> None:
        with pytest.raises(UserError, match=f"imagefolder.{next(iter(settings))}="):
            open_folder(tmp_path, **settings)


@pytest.mark.parametrize("folder", ["kept", "mlruns", "reports", "splits"])
def test_what_runs_leave_among_the_photos_is_no_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIAGEN_STORE", "kept")
    write_classes(tmp_path, {**TWO, folder: 10})
    for root in (tmp_path, Path()):
        with pytest.raises(
            UserError, match=f"{folder}: results of earlier runs are among the class folders: move them"
        ):
            open_folder(root)
    monkeypatch.chdir(tmp_path / "cup")
    monkeypatch.setenv("DIAGEN_STORE", "elsewhere")
    assert folder in open_folder(tmp_path).classes  # a class, since nothing shows that it is not one


def test_what_runs_leave_beside_train_and_test_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for part in ("train", "test", "mlruns"):
        write_classes(tmp_path / part, TWO)
    assert open_folder(tmp_path).classes == ("cup", "key")
    assert "folders beside train/ are ignored: ['mlruns']" in caplog.text


def test_a_class_may_be_called_like_a_dataset(tmp_path: Path) -> None:
    write_classes(tmp_path, {"fiesta": 10, "focus": 10})
    assert open_folder(tmp_path).classes == ("fiesta", "focus")


def test_every_image_is_named_whatever_is_trained_on(tmp_path: Path) -> None:
    """The dataset has the same photos whatever the settings of the split."""
    write_classes(tmp_path / "train", {"cup": 12, "key": 12})
    write_classes(tmp_path / "test", {"cup": 3, "key": 3})
    for pool in (2, 8):
        dataset = open_folder(tmp_path, train_pool=pool)
        for seed in (0, 1):
            assert len(set(dataset.examples(seed))) == 2 * (12 + 3)


def test_a_folder_of_datasets_is_no_folder_of_classes(tmp_path: Path) -> None:
    """DIAGEN_DATA names such a folder."""
    for name in ("custom_coco", "focus"):
        write_classes(tmp_path / name, TWO)
    with pytest.raises(
        UserError, match="custom_coco: this is the folder of another dataset, not of a class; give a folder"
    ):
        open_folder(tmp_path)


class TestGivenParts:
    def write(self, root: Path, **counts: int) -> Path:
        for part, count in counts.items():
            write_classes(root / part, {"cup": count, "key": count})
        return root

    def test_a_validation_folder_is_used_whole(self, tmp_path: Path) -> None:
        splits = open_folder(self.write(tmp_path, train=10, val=3, test=2)).splits(0)
        assert sizes(splits) == ([8, 8], 6, 4)
        assert all(example.identifier.startswith("val/") for example in splits.validation)

    def test_four_photos_are_enough_for_four_shots_where_the_rest_is_given(self, tmp_path: Path) -> None:
        dataset = open_folder(self.write(tmp_path, train=4, val=1, test=1))
        assert len(few_shot_task("photos", dataset, 4, 0).train) == 8
        with pytest.raises(UserError, match=r"'cup' of photos has 4 training images for 8 shots"):
            few_shot_task("photos", dataset, 8, 0)

    def test_without_a_validation_folder_an_image_must_be_left(self, tmp_path: Path) -> None:
        dataset = open_folder(self.write(tmp_path, train=8, test=1))
        with pytest.raises(
            UserError, match=r"8 for the train pool and at least 1 to validate are needed.*train_pool=7"
        ):
            dataset.splits(0)

    @pytest.mark.parametrize("shots", [1, 2, 4, 8])
    def test_uncommon_settings_are_tested_on_and_never_trained_on(self, tmp_path: Path, shots: int) -> None:
        task = few_shot_task("photos", open_folder(self.write(tmp_path, train=9, test=1, uncommon=2)), shots, 0)
        assert [example.identifier for example in task.tests["uncommon"]] == [
            f"uncommon/{name}/{name} ({number}).jpg" for name in ("cup", "key") for number in (1, 2)
        ]
        assert not any("uncommon" in example.identifier for example in chain(task.train, task.validation))

    def test_a_class_may_be_called_uncommon(self, tmp_path: Path) -> None:
        for part, count in (("train", 9), ("test", 1)):
            write_classes(tmp_path / part, {"common": count, "uncommon": count})
        assert open_folder(tmp_path).classes == ("common", "uncommon")

    def test_a_class_without_test_images_is_said_once(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        write_image(self.write(tmp_path, train=9, test=2) / "train" / "spoon" / "1.jpg")
        write_classes(tmp_path / "train", {"spoon": 9})
        open_folder(tmp_path)
        (line,) = caplog.messages
        assert line.endswith("test: 1 of the 3 classes without an image: spoon")

    def test_a_class_that_is_only_tested_is_refused(self, tmp_path: Path) -> None:
        write_image(self.write(tmp_path, train=9, test=2) / "test" / "spoon" / "1.jpg")
        with pytest.raises(UserError, match=r"class 'spoon' has no folder of training images$"):
            open_folder(tmp_path)

    def test_a_class_that_is_written_otherwise_for_testing_is_refused(self, tmp_path: Path) -> None:
        write_image(self.write(tmp_path, train=9, test=2) / "test" / "Cup" / "1.jpg")
        with pytest.raises(UserError, match="class 'Cup' has no folder of training images, but 'cup' has: rename one"):
            open_folder(tmp_path)

    def test_a_folder_of_images_that_were_made_is_told_where_they_would_be_tested_on(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With a separate test/ there is no warning, because generated images are meant to be trained on."""
        self.write(tmp_path / "apart", train=9, test=2)
        (tmp_path / "apart" / "train" / "provenance.csv").touch()
        open_folder(tmp_path / "apart")
        assert caplog.messages == []
        write_classes(tmp_path / "mixed", TWO)
        (tmp_path / "mixed" / "provenance.csv").touch()
        open_folder(tmp_path / "mixed")
        (said,) = caplog.messages
        assert "mixed was written by augment or export (it contains provenance.csv): generated images are" in said

    def test_other_folders_beside_train_are_named(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        write_image(self.write(tmp_path, train=9, test=2) / "raw" / "cup" / "1.jpg")
        open_folder(tmp_path)
        assert "folders beside train/ are ignored: ['raw'] (known: train, val, test, uncommon)" in caplog.text

    @pytest.mark.parametrize(
        ("folder", "words"),
        [
            ("train/cup", "needs a test/ folder"),
            ("test/cup", "test/ without train/"),
            ("val/cup", "val/ without train/"),
            ("Train/cup", "write 'train' in lower case"),
        ],
    )
    def test_half_a_layout_is_refused(self, tmp_path: Path, folder: str, words: str) -> None:
        write_image(tmp_path / folder / "1.png")
        with pytest.raises(UserError, match=words):
            open_folder(tmp_path)


class TestWhatCannotBeUsed:
    @pytest.mark.parametrize(
        ("names", "words"),
        [
            (("Cup", "cup"), "'Cup' and 'cup' differ only in case"),
            (("é", "e\u0301"), "differ only in Unicode form"),
            (("cell phone", "cell_phone"), "both mean 'cell phone'"),
            (("cell_phone", "Cell phone"), "both mean 'cell phone'"),
        ],
    )
    def test_two_folders_of_one_class_are_refused(self, tmp_path: Path, names: tuple[str, str], words: str) -> None:
        write_classes(tmp_path, dict.fromkeys(names, 1))
        with pytest.raises(UserError, match=words):
            open_folder(tmp_path)

    @pytest.mark.parametrize("name", ["_", "\u00a0"])
    def test_a_folder_whose_name_is_no_word_is_refused(self, tmp_path: Path, name: str) -> None:
        write_classes(tmp_path, {"cup": 1, name: 1})
        with pytest.raises(UserError, match=f"class folder '{name}' has no word in its name; rename it"):
            open_folder(tmp_path)

    def test_two_files_of_one_name_are_refused(self, tmp_path: Path) -> None:
        write_classes(tmp_path, TWO)
        for form in ("é.png", "e\u0301.png"):
            write_image(tmp_path / "cup" / form)
        with pytest.raises(UserError, match="another file's name differs only in its Unicode form"):
            open_folder(tmp_path)

    def test_a_name_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        write_classes(tmp_path, TWO)
        write_image(tmp_path / "cup" / "1.png").rename(tmp_path / "cup" / "\udce9t\udce9.png")
        with pytest.raises(UserError, match=r"udce9t.*the name is not valid UTF-8"):
            open_folder(tmp_path)

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("2.jpg", b"\n<html><body>404</body></html>", "a web page"),
            ("2.heic", HEIC, "HEIC or a video: convert it"),
            ("2.HEIF", HEIC, "HEIC or a video: convert it"),
        ],
    )
    def test_what_is_an_image_by_its_name_alone_is_named(
        self, tmp_path: Path, name: str, content: bytes, words: str
    ) -> None:
        write_classes(tmp_path, TWO)
        (tmp_path / "cup" / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"cup/{name}: not a readable image \({words}.* --set unreadable=skip"):
            open_folder(tmp_path)

    def test_folders_without_classes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="no class folders in it"):
            open_folder(tmp_path)
        (tmp_path / "cup").mkdir()
        with pytest.raises(UserError, match="no readable image in its class folders"):
            open_folder(tmp_path)

    def test_an_empty_class_is_named(self, tmp_path: Path) -> None:
        write_classes(tmp_path, TWO)
        (tmp_path / "spoon").mkdir()
        with pytest.raises(UserError, match="class 'spoon' has 0 images"):
            open_folder(tmp_path).splits(0)

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="nowhere: no such folder; give a folder of class folders"):
            open_folder(tmp_path / "nowhere")
        with pytest.raises(UserError, match="no data root given"):
            ImageFolder(None)

    def test_a_missing_folder_is_told_with_where_it_was_looked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UserError, match=f"^{tmp_path / 'nowhere'}: no such folder"):
            open_folder(Path("nowhere"))
