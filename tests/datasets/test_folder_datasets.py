"""Custom COCO and a user's own folder: splits, order, and clear messages about a broken folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datasets.base import DATASETS, Dataset, Example, Splits
from datasets.errors import UserError
from datasets.few_shot import few_shot_task
from tests.datasets.folders import write_classes, write_custom_coco, write_image

REPOSITORY = Path(__file__).parents[2]
PHOTOS = Path(os.environ.get("DIAGEN_DATA") or REPOSITORY.parent / "shared" / "data")


def identifiers(examples: tuple[Example, ...]) -> list[str]:
    return [example.identifier for example in examples]


def everything(splits: Splits) -> list[str]:
    pools = [name for pool in splits.train_pool for name in identifiers(pool)]
    tests = [name for examples in splits.tests.values() for name in identifiers(examples)]
    return pools + identifiers(splits.validation) + tests


@pytest.fixture(params=["custom_coco", "imagefolder divided", "imagefolder in one"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    """Each kind of folder dataset, all with the classes `cell phone` and `cup`."""
    if request.param == "custom_coco":
        return DATASETS["custom_coco"](write_custom_coco(tmp_path))
    folder = tmp_path / "train" if request.param.endswith("divided") else tmp_path
    write_classes(folder, {"cell_phone": 14, "cup": 17})
    if request.param.endswith("divided"):
        write_classes(tmp_path / "test", {"cell_phone": 2, "cup": 2})
    write_classes(tmp_path / "uncommon", {"cell_phone": 1, "cup": 1})
    return DATASETS["imagefolder"](tmp_path)


class TestEveryFolderDataset:
    def test_folder_names_become_nouns_in_natural_order(self, dataset: Dataset) -> None:
        assert dataset.classes == ("cell phone", "cup")

    def test_splits_are_disjoint(self, dataset: Dataset) -> None:
        names = everything(dataset.splits(0))
        assert len(names) == len(set(names))

    def test_pools_hold_eight_of_their_class(self, dataset: Dataset) -> None:
        for label, pool in enumerate(dataset.splits(0).train_pool):
            assert [example.label for example in pool] == [label] * 8

    def test_shots_are_nested(self, dataset: Dataset) -> None:
        two, four = (few_shot_task("t", dataset, shots, 1) for shots in (2, 4))
        assert set(two.train) < set(four.train)
        assert len(four.train) == 4 * len(dataset.classes)

    def test_the_seed_alone_decides(self, dataset: Dataset) -> None:
        assert dataset.splits(1) == dataset.splits(1)
        assert dataset.splits(1).train_pool != dataset.splits(2).train_pool
        assert len(everything(dataset.splits(1))) == len(everything(dataset.splits(2)))

    def test_test_and_uncommon_hold_every_class(self, dataset: Dataset) -> None:
        tests = dataset.splits(0).tests
        assert set(tests) == {"test", "uncommon"}
        for examples in tests.values():
            assert {example.label for example in examples} == {0, 1}

    def test_images_load_and_digests_follow_content(self, dataset: Dataset, tmp_path: Path) -> None:
        example = dataset.splits(0).validation[0]
        assert dataset.load(example).mode == "RGB"
        assert len(dataset.digest(example)) == 64
        assert not Path(example.identifier).is_absolute()

    def test_too_many_shots_name_the_class(self, dataset: Dataset) -> None:
        with pytest.raises(UserError, match="cell phone"):
            few_shot_task("t", dataset, 9, 0)


class TestCustomCoco:
    def test_test_images_are_in_natural_order(self, tmp_path: Path) -> None:
        write_classes(write_custom_coco(tmp_path) / "custom_coco" / "test", {"cup": 11})
        names = identifiers(DATASETS["custom_coco"](tmp_path).splits(0).tests["test"])
        assert names.index("test/cup/cup (2).jpg") < names.index("test/cup/cup (10).jpg")

    def test_uncommon_settings_are_optional(self, tmp_path: Path) -> None:
        write_custom_coco(tmp_path)
        (tmp_path / "custom_coco" / "test_uncommon_context").rename(tmp_path / "elsewhere")
        assert set(DATASETS["custom_coco"](tmp_path).splits(0).tests) == {"test"}

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"custom_coco: no such folder.*DIAGen"):
            DATASETS["custom_coco"](tmp_path)
        with pytest.raises(UserError, match="no data root given"):
            DATASETS["custom_coco"](None)

    @pytest.mark.parametrize(("folder", "words"), [("", "no class folders"), ("cup", "no readable image")])
    def test_an_empty_folder_is_refused(self, tmp_path: Path, folder: str, words: str) -> None:
        for part in ("train-val", "test"):
            (tmp_path / "custom_coco" / part / folder).mkdir(parents=True)
        with pytest.raises(UserError, match=f"train-val: {words}"):
            DATASETS["custom_coco"](tmp_path)

    def test_the_data_root_may_be_the_folder_itself(self, tmp_path: Path) -> None:
        above = DATASETS["custom_coco"](write_custom_coco(tmp_path))
        assert DATASETS["custom_coco"](tmp_path / "custom_coco").splits(0) == above.splits(0)

    def test_a_class_needs_an_image_to_validate(self, tmp_path: Path) -> None:
        dataset = DATASETS["custom_coco"](write_custom_coco(tmp_path, per_class=7))
        with pytest.raises(
            UserError,
            match=r"class 'cell_phone' has 7 images \(and 1 more with too few\): 8 .* 1 to validate are needed",
        ):
            dataset.splits(0)

    def test_what_a_test_set_lacks_is_said_once(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        write_custom_coco(tmp_path)
        (tmp_path / "custom_coco" / "test" / "cup").rename(tmp_path / "elsewhere")
        dataset = DATASETS["custom_coco"](tmp_path)
        dataset.splits(0), dataset.splits(1)
        (line,) = caplog.messages
        assert line.endswith("test: 1 of the 2 classes without an image: cup")

    def test_a_corrupt_file_is_refused_or_skipped(self, tmp_path: Path) -> None:
        write_custom_coco(tmp_path)
        bad = tmp_path / "custom_coco" / "train-val" / "cup" / "cup (3).jpg"
        bad.write_text("gone")
        with pytest.raises(UserError, match=r"cup \(3\)\.jpg"):
            DATASETS["custom_coco"](tmp_path)
        dataset = DATASETS["custom_coco"](tmp_path, "skip")
        assert not any("cup (3)" in name for name in everything(dataset.splits(0)) if name.startswith("train-val/cup"))

    def test_a_test_class_without_training_images_is_refused(self, tmp_path: Path) -> None:
        write_image(write_custom_coco(tmp_path) / "custom_coco" / "test" / "spoon" / "1.jpg")
        with pytest.raises(UserError, match="class 'spoon' has no folder of training images"):
            DATASETS["custom_coco"](tmp_path)

    @pytest.mark.skipif(not (PHOTOS / "custom_coco").is_dir(), reason="needs the photos of Custom COCO")
    def test_the_real_photos(self) -> None:
        dataset = DATASETS["custom_coco"](PHOTOS)
        assert len(dataset.classes) == 23
        assert {"cell phone", "computer mouse", "tv remote"} < set(dataset.classes)
        assert all(len(pool) == 8 for pool in dataset.splits(0).train_pool)


class TestVerification:
    def test_unreadable_files_are_problems_and_the_others_counted(self, tmp_path: Path) -> None:
        bad = write_custom_coco(tmp_path) / "custom_coco" / "train-val" / "cup" / "cup (3).jpg"
        bad.write_text("<!DOCTYPE html>\n<title>Not found</title>")
        found = DATASETS["custom_coco"].verify(tmp_path, lambda count: None)
        assert found.problems == (
            f"{bad}: not a readable image (a web page with the name of an image: download it again)",
        )
        assert found.counts["cup"] == {"train pool": 8, "validation": 4, "test": 3, "uncommon": 2}

    def test_files_that_leave_too_few_are_all_named(self, tmp_path: Path) -> None:
        folder = write_custom_coco(tmp_path) / "custom_coco" / "train-val" / "cup"
        for number in range(1, 6):
            (folder / f"cup ({number}).jpg").write_bytes(b"")
        found = DATASETS["custom_coco"].verify(tmp_path, lambda count: None)
        *unreadable, too_few = found.problems
        assert [line.endswith("(an empty file)") for line in unreadable] == [True] * 5
        assert too_few.startswith("class 'cup' has 8 images")
        assert found.counts == {"cell phone": {"images": 12 + 3 + 2}, "cup": {"images": 8 + 3 + 2}}

    def test_every_image_is_looked_at(self, tmp_path: Path) -> None:
        seen: list[int] = []
        DATASETS["custom_coco"].verify(write_custom_coco(tmp_path), seen.append)
        assert sum(seen) == 12 + 13 + 6 + 4
