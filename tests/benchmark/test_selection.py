"""Which runs may be compared, and how the text says what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmark.records import Record
from benchmark.selection import comparable, nothing_chosen
from datasets.errors import UserError


def cell(method: str = "standard", seed: int = 0, ended: int = 1, status: str = "FINISHED", **tags: str) -> Record:
    own = {"method": method, "dataset": "mini_focus", "preset": "mini", "shots": "4", "seed": str(seed)}
    own |= {"settings_fingerprint": method, "split_digest": f"images {seed}", "protocol": "paper"}
    return Record({**own, **tags}, {"accuracy/test": 0.5}, ended, status)


def test_datasets_presets_and_protocols_are_kept_apart():
    records = [cell(), cell(dataset="coco"), cell(preset="paper"), cell(protocol="as_released")]
    titles = [group.title for group in comparable(records)]
    assert titles == [
        "coco · preset mini · protocol paper",
        "mini_focus · preset mini · protocol as_released",
        "mini_focus · preset mini · protocol paper",
        "mini_focus · preset paper · protocol paper",
    ]


def test_groups_can_be_chosen():
    records = [cell(), cell(dataset="coco"), cell(preset="paper"), cell(shots="8")]
    (group,) = comparable(records, dataset="mini_focus", preset="mini", shots=[8])
    assert [record.shots for record in group.records] == [8]


def test_chosen_methods_are_the_plain_ones():
    """A leaderboard with few rows corrects for few comparisons, whatever other variants were run."""
    variants = [cell("diagen", components="noise"), cell("diagen", overrides="diagen.steps=3")]
    plain = [cell("diagen", components="noise,prompts,weights"), cell("da_fusion"), cell()]
    (group,) = comparable([*variants, *plain], methods=["diagen", "standard"])
    assert group.labels == ("diagen", "standard")
    (group,) = comparable([*variants, cell(status="FAILED"), cell("da_fusion")], methods=["diagen", "da_fusion"])
    assert group.labels == ("da_fusion", "diagen diagen.steps=3")
    assert comparable(variants[:1], methods=["diagen"]) == []


def test_of_a_cell_that_ran_twice_the_latest_counts():
    (group,) = comparable([cell(ended=3), cell(ended=9), cell(ended=5)])
    assert [record.ended for record in group.records] == [9]
    assert group.notes == ()


def test_runs_on_other_images_are_left_out_and_said():
    records = [cell("diagen", ended=1, split_digest="old"), cell("standard", ended=5), cell("diagen", 1, ended=2)]
    (group,) = comparable(records)
    assert group.labels == ("diagen", "standard")
    assert len(group.records) == 2
    assert group.notes == ("1 run left out: other images than the latest run of the same shots and seed",)


def test_other_shots_may_have_other_images():
    (group,) = comparable([cell(shots=shots, split_digest=f"images of {shots}") for shots in ("2", "4")])
    assert [record.shots for record in group.records] == [2, 4]


@pytest.mark.parametrize("what", ["settings_fingerprint", "checkpoint_fingerprint", "prompts_fingerprint"])
def test_runs_of_earlier_settings_are_left_out_and_said(what: str):
    records = [cell(seed=s, ended=1, **{what: "old"}) for s in (0, 1)] + [cell(ended=2)]
    (group,) = comparable(records)
    assert [record.seed for record in group.records] == [0]
    assert group.notes == ("2 runs left out: earlier settings, prompts or generator under the same name",)


def test_runs_of_another_generator_are_left_out():
    records = [cell("diagen", s, ended=1, checkpoint_fingerprint="old weights") for s in (0, 1)]
    (group,) = comparable([*records, cell("diagen", ended=2, checkpoint_fingerprint="new"), cell(ended=1)])
    assert [(record.tags["method"], record.seed) for record in group.records] == [("diagen", 0), ("standard", 0)]
    assert len(group.notes) == 1


def test_folders_of_other_images_are_other_groups_under_one_name():
    """The seeds of the two folders are not mixed, and neither folder hides the other."""
    folders = {"dogs": "1234567", "birds": "abcdefg"}
    records = [
        replace(cell(seed=seed, ended=seed, dataset="imagefolder", data_fingerprint=data), parameters={"data_root": at})
        for name, data in folders.items()
        for seed, at in enumerate(("elsewhere", f"/photos/{name}"))
    ]
    groups = comparable([*records, cell()], dataset="imagefolder")
    assert [group.dataset for group in groups] == ["imagefolder (birds abcdef)", "imagefolder (dogs 123456)"]
    assert [len(group.records) for group in groups] == [2, 2]
    assert [group.notes for group in groups] == [(), ()]
    assert [group.dataset for group in comparable([records[0], cell()])] == ["imagefolder", "mini_focus"]


def test_one_of_several_folders_is_chosen_by_the_name_that_is_shown():
    records = [
        replace(cell(dataset="imagefolder", data_fingerprint=data), parameters={"data_root": f"/photos/{data}"})
        for data in ("dogs", "birds")
    ]
    (group,) = comparable(records, dataset="imagefolder (dogs dogs)")
    assert group.dataset == "imagefolder (dogs dogs)"
    assert group.records == (records[0],)


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        ({"dataset": "mini_focsu"}, r"unknown dataset among the tracked runs 'mini_focsu'; did you mean mini_focus\?"),
        ({"preset": "minni"}, "unknown preset among the tracked runs 'minni'; did you mean mini"),
        ({"protocol": "papr"}, "unknown protocol among the tracked runs 'papr'; did you mean paper"),
        ({"methods": ["diagen"]}, r"there are runs of mini_focus .*; --methods leaves out diagen \[noise\]$"),
        ({}, "there are runs of mini_focus · preset mini · protocol paper$"),
    ],
)
def test_why_nothing_is_chosen_is_said(chosen: dict[str, Any], line: str):
    tracked = comparable([cell(), cell("diagen", components="noise")])
    with pytest.raises(UserError, match=line):
        raise nothing_chosen(tracked, **chosen)


def test_runs_that_did_not_finish_rename_no_dataset():
    failed = [cell("diagen", ended=9, status="FAILED", data_fingerprint=data) for data in ("1", "2")]
    (group,) = comparable([cell(data_fingerprint="1"), *failed])
    assert group.dataset == group.registered == "mini_focus"


def test_runs_on_other_images_that_did_not_finish_are_none_of_the_group():
    failed = cell(seed=1, ended=9, status="FAILED", data_fingerprint="2")
    (group,) = comparable([cell(data_fingerprint="1"), failed])
    assert group.notes == ()


def test_what_is_chosen_renames_no_dataset():
    """Its name still identifies the images, because another preset has other images under this name."""
    records = [cell(data_fingerprint="1234567"), cell(data_fingerprint="abcdefg", preset="paper")]
    assert [group.dataset for group in comparable(records, preset="mini")] == ["mini_focus (123456)"]


def test_records_are_in_order_whenever_they_ended():
    cells = [(method, shots, seed) for method in ("diagen", "standard") for shots in (2, 10) for seed in (0, 1)]
    records = [cell(m, s, ended=i, shots=str(k), split_digest="") for i, (m, k, s) in enumerate(cells)]
    (group,) = comparable(records)
    assert [(own.tags["method"], own.shots, own.seed) for own in group.records] == cells


def test_runs_of_an_earlier_release_are_a_group_of_their_own():
    groups = comparable([cell(ended=1), cell(ended=2, data_fingerprint="1234567")])
    assert [group.dataset for group in groups] == ["mini_focus (123456)", "mini_focus (of an earlier release)"]
    assert {group.registered for group in groups} == {"mini_focus"}


def test_other_overrides_are_another_label():
    (group,) = comparable([cell(), cell(overrides="classifier.epochs=3", settings_fingerprint="other")])
    assert group.labels == ("standard", "standard classifier.epochs=3")


def test_what_did_not_finish_is_said_unless_it_did_later():
    records = [cell(), cell(seed=1, status="FAILED"), cell(seed=2, status="RUNNING"), cell(ended=2, status="KILLED")]
    (group,) = comparable(records)
    assert group.notes == ("1 run failed", "1 run still running")
    assert group.records == (records[0],)


def test_old_runs_without_the_newer_tags_are_the_papers_protocol():
    old = Record({"method": "standard", "dataset": "mini_focus", "shots": "4", "seed": "0"}, {})
    (group,) = comparable([old])
    assert (group.preset, group.protocol) == ("", "paper")


def test_nothing_finished_gives_no_group():
    assert comparable([cell(status="RUNNING")]) == []
