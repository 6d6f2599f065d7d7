"""Photos in a different folder layout: splits with other names, splits inside classes, folders nested one too deep."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from datasets.errors import UserError
from datasets.part_folders import part_meant
from tests.datasets.folders import open_folder, write_classes, write_image

TWO = {"cat": 10, "dog": 10}


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("train", ["Training", "train_set", "trainset", "TrainImages", "seg_train", "training 1"]),
        ("val", ["valid", "Validation", "val-data", "dev", "eval"]),
        ("test", ["Testing", "Test_set", "tests", "seg_test"]),
        ("", ["train station", "contest", "devices", "cat", "2019", "Prüfung"]),
    ],
)
def test_what_a_folders_name_stands_for(part: str, names: list[str]) -> None:
    assert [part_meant(name) for name in names] == [part] * len(names)


class TestPartsTakenForClasses:
    @pytest.mark.parametrize("names", [("Training", "Test_set"), ("training", "testing"), ("seg_train", "seg_test")])
    def test_parts_by_other_names_are_refused(self, tmp_path: Path, names: tuple[str, str]) -> None:
        train, test = names
        write_classes(tmp_path / train, TWO)
        write_classes(tmp_path / test, TWO)
        with pytest.raises(
            UserError, match=rf"'{train}'.* look like parts of a dataset, .*'cat' and 'dog' are in.* name them"
        ) as caught:
            open_folder(tmp_path)
        assert "\n" not in str(caught.value)

    def test_a_third_folder_and_folders_in_folders_hide_them_not(self, tmp_path: Path) -> None:
        """Kaggle's scenes unpack like this: images to predict lie in no class folder, the others one folder deeper."""
        for part in ("train", "test"):
            write_classes(tmp_path / f"seg_{part}" / f"seg_{part}", TWO)
        write_image(tmp_path / "seg_pred" / "1.jpg")
        with pytest.raises(UserError, match=r"'seg_test' and 'seg_train' look like .*: name them train and test; if"):
            open_folder(tmp_path)

    def test_a_test_set_without_classes_is_one_too(self, tmp_path: Path) -> None:
        write_classes(tmp_path / "train_set", TWO)
        write_image(tmp_path / "test_set" / "1.jpg")
        with pytest.raises(UserError, match=r"'test_set' and 'train_set' look like parts"):
            open_folder(tmp_path)

    def test_parts_within_the_classes_are_refused(self, tmp_path: Path) -> None:
        for name in TWO:
            write_classes(tmp_path / name, {"train": 8, "test": 2})
        with pytest.raises(
            UserError, match=r"'train' and 'test' are in the class folders 'cat' and 'dog'.*\(train/cat, test/cat\)"
        ):
            open_folder(tmp_path)

    def test_folders_of_a_class_belong_to_it(self, tmp_path: Path) -> None:
        write_classes(tmp_path / "cat", {"2019": 5, "indoors": 5})
        write_classes(tmp_path / "dog", {"2020": 5, "test": 5})
        dataset = open_folder(tmp_path)
        assert dataset.classes == ("cat", "dog")
        assert len(list(dataset.examples(0))) == 20

    def test_classes_may_be_called_like_parts(self, tmp_path: Path) -> None:
        write_classes(tmp_path, {"driving test": 10, "steam train": 10})
        assert open_folder(tmp_path).classes == ("driving test", "steam train")

    def test_the_same_folders_in_every_class_are_worth_a_word(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """These may be photos by year, or splits with unusual names that hold the classes: there is no way to know."""
        for fold in ("fold 1", "fold 2"):
            write_classes(tmp_path / fold, TWO)
        assert open_folder(tmp_path).classes == ("fold 1", "fold 2")
        (line,) = caplog.messages
        assert "'fold 1' and 'fold 2' were read as the classes, but each contains folders of the same names" in line
        assert "('cat' and 'dog'): if those are the classes, put them here instead" in line


class TestOtherValidationFolders:
    @pytest.mark.parametrize("name", ["valid", "validation", "Validation", "dev", "eval", "val_set"])
    def test_one_of_another_name_is_not_lost(self, tmp_path: Path, name: str) -> None:
        for part in ("train", "test", name):
            write_classes(tmp_path / part, TWO)
        with pytest.raises(UserError, match=rf"{name}: rename it to val if it is for validation; otherwise move"):
            open_folder(tmp_path)

    def test_beside_val_it_is_ignored_like_any_folder(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        for part in ("train", "test", "val", "dev"):
            write_classes(tmp_path / part, TWO)
        open_folder(tmp_path)
        assert "folders beside train/ are ignored: ['dev']" in caplog.text


class TestHalfALayout:
    """If a split is missing, the message says how to create it."""

    @pytest.mark.parametrize(
        ("folders", "words"),
        [
            (["train"], r"move some photos of each class there; if train is a class like the other folders, rename it"),
            (["train", "val"], r"move some photos of each class there, or rename val/ to test/, and the rest of"),
            (["train", "valid"], r"move some photos of each class there, or rename valid/ to test/, and the rest"),
            (["train", "Test_set"], r"rename Test_set to test$"),
            (["Training", "test"], r"test/ without train/; rename Training to train$"),
            (["test"], r"test/ without train/; give a folder of class folders"),
            (["cat", "test"], r"; if test is a class like .*, rename it \(classes.yaml may call it test again\)$"),
            (["cat", "val"], r"; if val is a class like .*, rename it \(classes.yaml may call it val again\)$"),
        ],
    )
    def test_what_to_do_is_said(self, tmp_path: Path, folders: list[str], words: str) -> None:
        for folder in folders:
            write_classes(tmp_path / folder, TWO)
        with pytest.raises(UserError, match=words):
            open_folder(tmp_path).splits(0)

    def test_a_class_train_may_lie_in_a_folder_of_another_name(self, tmp_path: Path) -> None:
        """The error message recommends this."""
        write_classes(tmp_path, {"bus": 10, "trains": 10})
        (tmp_path / "classes.yaml").write_text("trains: train")
        assert open_folder(tmp_path).classes == ("bus", "train")


class TestOneFolderTooDeep:
    @pytest.mark.parametrize("inner", ["mine", "my images/my images"])
    def test_the_folder_to_give_is_named(self, tmp_path: Path, inner: str) -> None:
        write_classes(tmp_path / inner, TWO)
        with pytest.raises(UserError, match=r"only one class folder .*'cat' and 'dog' in it look like") as caught:
            open_folder(tmp_path)
        advised = shlex.split(str(caught.value).partition("--data-root ")[2])
        assert advised == [str(tmp_path / inner)]
        assert open_folder(Path(*advised)).classes == ("cat", "dog")

    def test_within_a_part_they_are_to_be_moved(self, tmp_path: Path) -> None:
        for part in ("train", "test"):
            write_classes(tmp_path / part / "images", TWO)
        with pytest.raises(
            UserError, match=rf"'cat' and 'dog' in {tmp_path}/train/images .*: move them up into {tmp_path}/train$"
        ):
            open_folder(tmp_path)

    def test_a_class_alone_is_not_taken_for_it(self, tmp_path: Path) -> None:
        write_classes(tmp_path / "cat", {"2019": 5, "2020": 5})
        write_image(tmp_path / "cat" / "1.jpg")
        cats = open_folder(tmp_path)
        assert len(cats.all_photos()[0][0]) == 11
        with pytest.raises(
            UserError, match=r"only one class folder \('cat'\), but a classifier needs two; give a folder of"
        ):
            cats.splits(0)
