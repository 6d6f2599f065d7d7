"""Saving figures: complete files or none, identical bytes when repeated, and odd names."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest
from PIL import Image

from benchmark.figures import FIGURES, OF_ABLATION, save_figures, saving
from benchmark.figures.base import MissingRuns
from benchmark.selection import comparable
from datasets.errors import UnknownName, UserError
from datasets.whole_file import whole_file
from tests.benchmark.figures.cells import cell, pictures, read

ODD = [
    "a$b$_{x}",
    "_hidden",
    "x|y & <z>",
    "so long that " + "it goes on and on " * 9,
    "line\nbreak\x07",
    "été",
    "diagen",
]


def words(svg: Path) -> list[str]:
    """The texts in an SVG, which must parse as XML."""
    return [element.text or "" for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_figure_is_a_picture_a_drawing_and_its_numbers(tmp_path: Path):
    (outcome,) = save_figures(comparable([cell(test=0.25), cell("standard", test=1 / 3)]), tmp_path, ["accuracy"])
    assert {kind: path.name for kind, path in outcome.files.items()} == {
        kind: f"accuracy.{kind}" for kind in ("png", "svg", "csv")
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accuracy.csv", "accuracy.png", "accuracy.svg"]
    with Image.open(outcome.files["png"]) as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    assert {"standard", "diagen", "accuracy, %", "mini_focus · test"} <= set(words(outcome.files["svg"]))
    assert [(row["series"], row["mean"], row["low"]) for row in read(outcome.files["csv"])] == [
        ("standard", "0.3333333333", ""),
        ("diagen", "0.25", ""),
    ]


def test_the_same_records_give_the_same_bytes(tmp_path: Path):
    sheet = pictures({"cat": [{"prompt": "a", "noise_std": 0.1, "weight": 0.2}, {"prompt": "b"}]})
    sheet["tables"]["plan"] = {"weight": [0.2, 1.0]}
    both = {"precision/class_mean": 0.2, "recall/class_mean": 0.5}
    records = [cell(m, seed=s, test=0.1 * s, metrics=both, **sheet) for m in ("da_fusion", "diagen") for s in (0, 1)]
    names = ["accuracy", "images", "noise", "prompts", "weights", "precision_recall"]
    first, second = (
        save_figures(comparable(given), tmp_path / str(len(given)), names)
        for given in (records, records[::-1] + records[:1])
    )
    for one, other in zip(first, second, strict=True):
        for kind in ("png", "svg", "csv"):
            assert one.files[kind].read_bytes() == other.files[kind].read_bytes(), (one.name, kind)


def test_every_figure_without_runs_says_which_command_makes_them(tmp_path: Path):
    outcomes = save_figures([], tmp_path)
    assert [outcome.name for outcome in outcomes] == list(FIGURES)
    for outcome in outcomes:
        assert outcome.files == {}
        assert "`python -m benchmark " in outcome.missing
        assert "\n" not in outcome.missing
    commands = {outcome.name: outcome.missing for outcome in outcomes}
    for what, names in OF_ABLATION.items():
        assert f"ablation --what {what}`" in commands[names[-1]]
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_figure_does_not_outlive_its_runs(tmp_path: Path):
    save_figures(comparable([cell()]), tmp_path, ["accuracy"])
    save_figures([], tmp_path, ["accuracy"])
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_earlier_figure_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (before,) = save_figures(comparable([cell(test=0.1)]), tmp_path, ["accuracy"])
    contents = {path: path.read_bytes() for path in before.files.values()}

    def full_disk(path: Path) -> AbstractContextManager[IO[bytes]]:
        if path.suffix == ".svg":
            raise OSError("no space left on device")
        return whole_file(path)

    monkeypatch.setattr(saving, "whole_file", full_disk)
    with pytest.raises(UserError, match="no space left on device; name another folder with --out"):
        save_figures(comparable([cell(test=0.9)]), tmp_path, ["accuracy"])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == contents


def test_an_unknown_figure_is_refused_before_anything_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saving, "_save", lambda *given: pytest.fail("drawn"))
    with pytest.raises(UnknownName, match="unknown figure 'acuracy'; did you mean accuracy"):
        save_figures(comparable([cell()]), tmp_path, ["weights", "acuracy"])


def test_methods_may_be_called_anything(tmp_path: Path):
    records = [cell(method, shots, test=0.1 * shots, components="") for method in ODD for shots in (2, 4)]
    (outcome,) = save_figures(comparable(records), tmp_path, ["accuracy"])
    shown = words(outcome.files["svg"])
    for expected in ("a$b$_{x}", "_hidden", "x|y & <z>", "line break", "été"):
        assert expected in shown, shown
    assert {row["series"] for row in read(outcome.files["csv"])} >= set(ODD[:4])


def test_missing_runs_are_a_users_mistake_of_one_line():
    assert str(MissingRuns("no runs", "run")) == "no runs; `python -m benchmark run` makes such runs"
