"""FOCUS: classes and attributes from folders and database, splits, and messages about broken copies."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from datasets.base import Example, Verification
from datasets.errors import UnknownName, UserError
from datasets.few_shot import natural_key, split_pool
from datasets.focus import Focus
from datasets.focus_attributes import UNCOMMON_LOCATIONS, count_uncommon
from datasets.focus_database import read_annotations
from datasets.focus_layout import PUBLISHED
from tests.datasets.copies.focus import (
    ABSENT,
    CLASSES,
    CORRECTED,
    CORRECTED_WITH_HUMAN,
    NOT_ANNOTATED,
    PNG,
    ROCKY_NIGHT,
    ROTATED,
    UNKNOWN_CATEGORY,
    UNKNOWN_VALUES,
    write_database,
    write_focus,
    write_jpeg,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that no test modifies."""
    return write_focus(tmp_path_factory.mktemp("published"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy to modify."""
    return write_focus(tmp_path)


def opened(root: Path, unreadable: str = "refuse", label_corrections: str = "all", size: int = 10) -> Focus:
    return Focus(root, unreadable, label_corrections=label_corrections, train_and_validation=size)


def by_name(dataset: Focus) -> dict[str, Example]:
    return {example.identifier: example for example in dataset.examples(0)}


def class_of(dataset: Focus, name: str) -> str:
    return dataset.classes[by_name(dataset)[name].label]


def verified(root: Path) -> Verification:
    return Focus.verify(root, lambda count: None)


class TestClasses:
    def test_are_the_ten_in_alphabetical_order(self, published: Path) -> None:
        assert opened(published).classes == CLASSES

    def test_the_database_overrides_the_folder(self, published: Path) -> None:
        dataset = opened(published)
        assert class_of(dataset, CORRECTED) == "car"
        assert class_of(dataset, CORRECTED_WITH_HUMAN) == "dog"
        assert class_of(dataset, UNKNOWN_VALUES) == "deer"

    def test_the_published_code_corrects_only_images_said_to_be_without_humans(self, published: Path) -> None:
        dataset = opened(published, label_corrections="without_humans")
        assert class_of(dataset, CORRECTED) == "car"
        assert class_of(dataset, CORRECTED_WITH_HUMAN) == "cat"
        assert class_of(dataset, UNKNOWN_VALUES) == "horse"

    def test_corrections_change_no_attribute(self, published: Path) -> None:
        every, some = (by_name(opened(published, label_corrections=choice)) for choice in ("all", "without_humans"))
        assert all(every[name].attributes == some[name].attributes for name in every)

    @pytest.mark.parametrize("name", [UNKNOWN_CATEGORY, NOT_ANNOTATED])
    def test_the_folder_decides_where_the_database_does_not(self, published: Path, name: str) -> None:
        assert class_of(opened(published), name) == name.partition("-")[0]

    def test_a_new_setting_is_accepted_and_a_new_class_is_not(self, root: Path) -> None:
        for folder in ("car-beach", "boat-water", "car", "car-"):
            write_jpeg(root / "focus" / folder / "1.jpeg", 1)
        new = set(by_name(opened(root))) - set(by_name(opened(write_focus(root / "another"))))
        assert new == {"car-beach/1.jpeg"}


class TestAttributes:
    def test_are_those_of_folder_and_database(self, published: Path) -> None:
        assert by_name(opened(published))[CORRECTED].attributes == {
            "uncommon_attributes": "2",
            "setting": "snow",
            "time": "day",
            "weather": "snowing",
            "locations": "snow, street",
            "humans": "no",
        }

    def test_an_image_without_a_row_has_its_setting_alone(self, published: Path) -> None:
        assert by_name(opened(published))[NOT_ANNOTATED].attributes == {"setting": "water"}

    def test_unknown_values_are_carried_along_and_common(self, published: Path) -> None:
        attributes = by_name(opened(published))[UNKNOWN_VALUES].attributes
        assert attributes["uncommon_attributes"] == "0"
        assert attributes["time"] == "dusk"
        assert "humans" not in attributes

    def test_several_uncommon_locations_count_once(self, published: Path) -> None:
        assert by_name(opened(published))[ROCKY_NIGHT].attributes["uncommon_attributes"] == "3"


class TestUncommon:
    @pytest.mark.parametrize("name", CLASSES)
    def test_nothing_common_is_uncommon(self, name: str) -> None:
        for weather in ("cloudy", "partly cloudy", "sunny", "none", ""):
            assert count_uncommon(name, "day", weather, "none") == 0

    @pytest.mark.parametrize("name", CLASSES)
    def test_night_is_uncommon_but_for_frogs(self, name: str) -> None:
        assert count_uncommon(name, "night", "none", "none") == (name != "frog")

    @pytest.mark.parametrize("weather", ["foggy", "raining", "snowing"])
    def test_bad_weather_is_uncommon(self, weather: str) -> None:
        assert [count_uncommon(name, "none", weather, "") for name in CLASSES] == [1] * 10

    def test_locations_depend_on_the_class(self) -> None:
        assert count_uncommon("ship", "day", "sunny", "water") == 0
        assert count_uncommon("plane", "day", "sunny", "water") == 1
        assert count_uncommon("dog", "day", "sunny", "sand, street") == 0
        assert count_uncommon("cat", "day", "sunny", "sand, street") == 1

    def test_every_class_has_locations_and_water_suits_ships_alone_of_vehicles(self) -> None:
        assert set(UNCOMMON_LOCATIONS) == set(CLASSES)
        vehicles = {name for name in ("car", "plane", "ship", "truck") if "water" not in UNCOMMON_LOCATIONS[name]}
        assert vehicles == {"ship"}


class TestSplits:
    def test_are_what_a_seeded_permutation_in_natural_order_gives(self, published: Path) -> None:
        dataset = opened(published, size=11)
        groups = [[e for e in by_name(dataset).values() if e.label == label] for label in range(10)]
        named = zip(CLASSES, groups, strict=True)
        divided = [split_pool(n, sorted(g, key=lambda e: natural_key(e.identifier)), 0, size=11) for n, g in named]
        expected = [split_pool(n, seen, 5) for n, (seen, _) in zip(CLASSES, divided, strict=True)]
        splits = dataset.splits(5)
        assert splits.train_pool == tuple(tuple(pool) for pool, _ in expected)
        assert list(splits.validation) == [example for _, rest in expected for example in rest]
        assert list(splits.tests["test"]) == [example for _, rest in divided for example in rest]

    def test_every_seed_is_tested_on_the_same_images(self, published: Path) -> None:
        one, other = (opened(published, size=11).splits(seed) for seed in (0, 1))
        assert one.tests == other.tests
        assert one.train_pool != other.train_pool

    def test_every_image_is_in_one_split(self, published: Path) -> None:
        dataset = opened(published)
        splits = dataset.splits(0)
        pools = [example for pool in splits.train_pool for example in pool]
        assert [len(pools), len(splits.validation)] == [80, 20]
        assert {*pools, *splits.validation, *splits.tests["test"]} == set(dataset.examples(0))

    def test_one_hundred_and_eight_train_and_validate_by_default(self, published: Path) -> None:
        # The copy is too small for the default, and the message says how many images are needed.
        with pytest.raises(UserError, match=r"'bird' has 13 images \(and 9 more .*: 108 to .*train_and_validation"):
            Focus(published).splits(0)

    def test_a_class_without_a_test_image_is_named(self, root: Path) -> None:
        for path in (root / "focus").glob("truck-*/*.jpeg"):
            path.unlink()
        for number in range(10):
            write_jpeg(root / "focus" / "truck-fog" / f"{number}.jpeg", number)
        with pytest.raises(
            UserError, match=r"class 'truck' has 10 images: 10 to .* and 1 to test .*complete .*focus or"
        ):
            opened(root).splits(0)

    def test_too_small_a_choice_is_refused(self, published: Path) -> None:
        with pytest.raises(UserError, match=r"train_and_validation=8: must be at least 9"):
            opened(published, size=8)


class TestOpening:
    def test_the_data_root_may_be_the_folder_itself(self, published: Path) -> None:
        assert by_name(opened(published / "focus")) == by_name(opened(published))

    def test_differences_are_counted_in_a_warning_each(self, root: Path, caplog: pytest.LogCaptureFixture) -> None:
        (root / "focus" / "car-rain" / "2.jpeg").unlink()
        with caplog.at_level(logging.WARNING):
            opened(root)
        assert [record.message.partition("focus: ")[2] for record in caplog.records] == [
            "2 rows of annotations.db left out for want of an image file",
            "1 image without a row in annotations.db: the folder gives the class",
            "1 image of an unknown category: the folder gives the class",
        ]

    @pytest.mark.parametrize("ending", [".jpg", ".JPEG"])
    def test_an_image_with_another_ending_is_named(
        self, root: Path, ending: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        image = root / "focus" / "car-rain" / "2.jpeg"
        image.rename(image.with_suffix(ending))
        with caplog.at_level(logging.WARNING):
            opened(root)
        assert f"file; but there is car-rain/2{ending}: name such files .jpeg" in caplog.text

    def test_unusual_images_load(self, published: Path) -> None:
        dataset = opened(published)
        assert dataset.load(by_name(dataset)[ROTATED]).size == (8, 12)
        assert dataset.load(by_name(dataset)[PNG]).mode == "RGB"

    @pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><title>404 Not Found</title>", b"\xff\xd8\xff\xe0cut"])
    def test_a_broken_image_is_refused_or_skipped(self, root: Path, content: bytes) -> None:
        bad = root / "focus" / "cat-rain" / "2.jpeg"
        bad.write_bytes(content)
        with pytest.raises(UserError, match=r"cat-rain/2\.jpeg: not a readable image.*--set unreadable=skip"):
            opened(root)
        assert "cat-rain/2.jpeg" not in by_name(opened(root, "skip"))

    def test_a_jpeg_that_ends_early_is_refused(self, root: Path) -> None:
        bad = root / "focus" / "cat-rain" / "2.jpeg"
        bad.write_bytes(bad.read_bytes()[:-20])
        with pytest.raises(UserError, match=r"cat-rain/2\.jpeg"):
            opened(root)

    def test_bytes_after_the_end_of_a_jpeg_do_no_harm(self, root: Path) -> None:
        padded = root / "focus" / "cat-rain" / "2.jpeg"
        padded.write_bytes(padded.read_bytes() + b"\0" * 30)
        assert "cat-rain/2.jpeg" in by_name(opened(root))

    def test_unknown_choices_are_refused(self, published: Path) -> None:
        with pytest.raises(UnknownName, match=r"focus.label_corrections 'without_human'; did you mean without_humans"):
            opened(published, label_corrections="without_human")
        with pytest.raises(UserError, match="unreadable=ignore: choose one of refuse, skip"):
            opened(published, "ignore")


class TestDatabase:
    def test_a_missing_folder_or_database_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="no data root given"):
            Focus(None)
        with pytest.raises(UserError, match=r"focus: no such folder.*prepare focus"):
            Focus(tmp_path)
        (tmp_path / "focus").mkdir()
        with pytest.raises(UserError, match=r"annotations\.db: no such file; get FOCUS again"):
            Focus(tmp_path)

    def test_of_one_folder_too_deep_the_line_says_what_to_move(self, tmp_path: Path) -> None:
        write_focus(tmp_path / "focus")
        with pytest.raises(UserError, match=r"no such file; it is in .*/focus/focus: move .* up into .*/focus$"):
            Focus(tmp_path)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"<html>" * 200, "file is not a database"),
            (b"", "no such table: annotations"),
        ],
    )
    def test_another_file_is_refused(self, root: Path, content: bytes, reason: str) -> None:
        (root / "focus" / "annotations.db").write_bytes(content)
        with pytest.raises(UserError, match=rf"annotations\.db: not the annotations of FOCUS \({reason}\)"):
            opened(root)

    def test_a_database_that_is_cut_short_is_refused(self, root: Path) -> None:
        path = root / "focus" / "annotations.db"
        path.write_bytes(path.read_bytes()[:6000])
        with pytest.raises(UserError, match="not the annotations of FOCUS"):
            opened(root)

    def test_a_missing_column_is_named(self, root: Path) -> None:
        path = root / "focus" / "annotations.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("ALTER TABLE annotations DROP COLUMN weather")
        with pytest.raises(UserError, match=r"no such column: weather"):
            opened(root)

    def test_an_empty_table_is_refused(self, tmp_path: Path) -> None:
        write_database(tmp_path / "annotations.db", [])
        with pytest.raises(UserError, match="the table of annotations is empty"):
            read_annotations(tmp_path / "annotations.db")

    def test_reading_leaves_nothing_behind(self, tmp_path: Path) -> None:
        path = tmp_path / "what? 100% #1" / "annotations.db"
        write_database(path, [("car-fog/1.jpeg", "car", "day", "foggy", "street", "no")])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        assert set(read_annotations(path)) == {"car-fog/1.jpeg"}
        assert [file.name for file in path.parent.iterdir()] == ["annotations.db"]

    def test_rows_that_still_lie_in_a_log_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "annotations.db"
        write_database(path, [("car-fog/1.jpeg", "car", "day", "foggy", "street", "no")])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("INSERT INTO annotations VALUES ('/car-fog/2.jpeg', 'car', '', '', '', '')")
            connection.commit()
            assert len(read_annotations(path)) == 2


class TestVerification:
    def test_counts_by_class_and_setting(self, published: Path) -> None:
        counts = verified(published).counts
        assert list(counts) == list(CLASSES)
        assert counts["bird"] == {**dict.fromkeys(counts["bird"], 0), "grass": 3, "night": 4, "rain": 3, "water": 3}
        assert counts["car"]["snow"] == 1
        assert sum(sum(row.values()) for row in counts.values()) == 10 * 13 + 10

    def test_names_what_is_wrong(self, root: Path) -> None:
        write_jpeg(root / "focus" / "boat-water" / "1.jpeg", 1)
        write_jpeg(root / "focus" / "car-beach" / "1.jpeg", 1)
        damaged = root / "focus" / "ship-rain" / "2.jpeg"
        damaged.write_bytes(damaged.read_bytes()[:30] + b"\xff\xd9")
        problems = "\n".join(verified(root).problems)
        assert "truck: 13 annotated images, but 1,115 were published\n" in problems
        assert "boat-water: not a folder of FOCUS; its images are not used" in problems
        assert "car-beach: 'beach' is not one of the settings of FOCUS; its images are used all the same" in problems
        assert f"{UNKNOWN_CATEGORY}: category 'submarine' is unknown" in problems
        assert f"{ABSENT}: annotated, but there is no such image" in problems
        assert f"{NOT_ANNOTATED}: no row in annotations.db" in problems
        assert "ship-rain/2.jpeg: not a readable image" in problems

    def test_looks_at_files_that_opening_would_skip(self, root: Path) -> None:
        (root / "focus" / "ship-rain" / "2.jpeg").write_text("<html>")
        assert any("ship-rain/2.jpeg: not a readable image" in problem for problem in verified(root).problems)

    def test_the_published_counts_are_those_of_the_authors(self) -> None:
        assert sum(PUBLISHED.values()) == 20_815

    def test_instructions_name_the_source_and_the_places(self) -> None:
        assert all(part in Focus.instructions for part in (Focus.source, "focus/annotations.db", "--verify"))
