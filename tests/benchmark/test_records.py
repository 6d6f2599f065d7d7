"""Records: from the tracking store, and to a folder and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.records import Record, columns, method_label, overrides, tells_its_cell
from benchmark.records import tested_on as sets_tested_on
from benchmark.runner import run_job
from benchmark.settings import RunSettings
from benchmark.tracking import Tracker
from methods.base import METHODS
from tests.benchmark.saved_records import load_records, save_records


def test_a_tracked_cell_gives_its_tables_and_files(world, small: Callable[..., RunSettings], tracking_uri: str):
    run_job(open_job(small("diagen")), Tracker(), Stages(quiet=True))
    (record,) = Tracker().cells()
    assert (record.status, record.shots, record.seed) == ("FINISHED", 2, 0)
    assert record.parameters["diagen.strength"] == "0.7"
    assert len(record.tables["plan"]["prompt"]) == 3 * 2 * 4
    assert {"predictions_test", "predictions_uncommon", "accuracy_per_class", "thumbnails"} <= set(record.tables)
    assert json.loads(record.files["split.json"])["shots"] == 2
    assert record.files["images.png"].startswith(b"\x89PNG")
    assert "nothing of that name" not in record.files


@pytest.mark.parametrize(
    ("components", "label"), [("", "diagen"), ("noise", "diagen [noise]"), ("none", "diagen [none]")]
)
def test_a_label_tells_what_is_switched_though_the_method_is_of_a_plugin_that_is_not_loaded(
    components: str, label: str, world, small: Callable[..., RunSettings], tracking_uri: str, monkeypatch
):
    run_job(open_job(small("diagen", components=components)), Tracker(), Stages(quiet=True))
    (cell,) = Tracker().cells()
    monkeypatch.setattr(METHODS, "_plugins", {})
    assert method_label({**cell.tags, "overrides": ""}) == label


def test_records_survive_a_folder(tmp_path: Path):
    records = [
        Record({"method": "a", "shots": "2", "seed": "1"}, {"accuracy/test": 0.5}, 7, tables={"t": {"x": [1, 2]}}),
        Record(
            {"method": "b|c", "shots": "4", "seed": "0"},
            {},
            status="FAILED",
            files={"split.json": b"{}", "x.bin": b"\x00\xff"},
        ),
    ]
    save_records(records, tmp_path / "records")
    assert load_records(tmp_path / "records") == records


def test_the_plain_test_set_comes_first():
    metrics = dict.fromkeys(
        ("accuracy/uncommon", "accuracy/common", "accuracy/test", "accuracy/val", "recall/pooled"), 0.5
    )
    assert sets_tested_on([Record({}, metrics)]) == ["test", "common", "uncommon"]


def test_a_value_may_hold_an_equals_sign():
    tags = {"method": "diagen", "dataset": "coco", "overrides": "prompts.word_list=a=b=c.yaml"}
    assert overrides(tags) == {"prompts.word_list": "a=b=c.yaml"}


def test_who_counts_to_thousands_of_digits_tags_no_cell():
    tags = {"method": "diagen", "dataset": "coco", "shots": "4", "seed": "0"}
    assert tells_its_cell(tags)
    assert tells_its_cell({**tags, "seed": "9" * 18})
    assert not tells_its_cell({**tags, "seed": "9" * 19})


def test_a_table_without_lines_keeps_its_columns():
    assert columns(("a", "b"), []) == {"a": [], "b": []}


def test_what_says_which_images_are_used_makes_no_method_of_another_name():
    """A folder with few photos needs such a setting; the images themselves are compared by content."""
    changed = "imagefolder.train_pool=6 prompts.word_list=my words.yaml unreadable=skip"
    tags = {"method": "da_fusion", "dataset": "imagefolder", "overrides": changed}
    assert overrides(tags) == {"prompts.word_list": "my words.yaml"}
    assert method_label(tags) == "da_fusion prompts.word_list=my words.yaml"
