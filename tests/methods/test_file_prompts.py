"""Prompts from a CSV file: those published by DIAGen's authors, another laboratory's, or those of an earlier run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmark.augmented_folder import COLUMNS
from datasets.errors import UserError
from methods.prompts import check_access_to_prompts, check_prompt_settings, prompts_content, write_prompts
from methods.settings import PromptSettings

PUBLISHED = """\
class_name;class_idx;prompt
bench;1;A photo of a sleek <name> in a train station, at night.
cell_phone;1;'a photo of a <name>'
cell_phone;2; 'a photo of a child's {name} in the rain'
cell_phone;3;'a photo of a <name> on a <name>y street'
"""
"""The format of DIAGen's authors: quoted or not, with either placeholder, and underscores in names."""


def settings(folder: Path, text: str | bytes, name: str = "prompts.csv", plurals: str = "word") -> PromptSettings:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return PromptSettings(source="file", file=str(path), plurals=plurals)


def test_published_prompts_are_read_by_class_in_their_order(tmp_path: Path) -> None:
    published = settings(tmp_path, PUBLISHED)
    assert write_prompts("bench", 1, published, seed=0) == ["A photo of a sleek <word> in a train station, at night"]
    prompts = [
        "a photo of a <word>",
        "a photo of a child's <word> in the rain",
        "a photo of a <word> on a <word>y street",
    ]
    assert write_prompts("cell phone", 3, published, seed=0) == prompts
    assert write_prompts("Cell phone", 2, published, seed=7) == prompts[:2]


def test_no_key_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    check_access_to_prompts(settings(tmp_path, PUBLISHED))
    check_prompt_settings(settings(tmp_path, PUBLISHED))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_commas_other_columns_and_spreadsheets_marks_are_read(tmp_path: Path, ending: str) -> None:
    lines = ["note,prompt,class_name", '1,"a photo of a car, wet; at night",car', "", "2,a photo of a <word>,car"]
    of_commas = settings(tmp_path, b"\xef\xbb\xbf" + ending.join(lines).encode())
    assert write_prompts("car", 2, of_commas, seed=0) == ["a photo of a <word>, wet; at night", "a photo of a <word>"]


@pytest.mark.parametrize(("plurals", "second"), [("word", "many <word>"), ("as_written", "many cars")])
def test_a_noun_in_place_of_a_placeholder_is_read_as_in_a_reply(tmp_path: Path, plurals: str, second: str) -> None:
    lines = "class_name;prompt\ncar;a photo of a Car in fog\ncar;many cars\n"
    assert write_prompts("car", 2, settings(tmp_path, lines, plurals=plurals), seed=0) == [
        "a photo of a <word> in fog",
        second,
    ]


def test_beside_a_placeholder_the_noun_keeps_its_letters(tmp_path: Path) -> None:
    lines = "class_name;prompt\norange;a photo of an orange <word>\n"
    assert write_prompts("orange", 1, settings(tmp_path, lines), seed=0) == ["a photo of an orange <word>"]


@pytest.mark.parametrize("named", ["car", "<name>"])
def test_a_control_character_is_told_with_its_line(tmp_path: Path, named: str) -> None:
    with_escape = settings(tmp_path, f"class_name;prompt\ncar;a photo of a {named}\x1b[0m\n")
    with pytest.raises(UserError, match=r"line 2: 'a photo of .*\\x1b\[0m' contains a control character"):
        write_prompts("car", 1, with_escape, seed=0)


def test_what_an_export_tells_of_its_images_is_their_prompts(tmp_path: Path) -> None:
    path = tmp_path / "provenance.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        table.writerow({"file": "car/a.jpg", "kind": "real", "class": "car"})
        for prompt in ("a photo of a <word>, wet", "a <word> in fog", "a photo of a <word>, wet"):
            table.writerow({"kind": "synthetic", "class": "car", "prompt": prompt})
    prompts = write_prompts("car", 2, PromptSettings(source="file", file=str(path)), seed=0)
    assert prompts == ["a photo of a <word>, wet", "a <word> in fog"]


def test_prompts_that_do_not_fit_are_passed_over(tmp_path: Path) -> None:
    def fits(prompt: str) -> bool:
        return "sleek" not in prompt

    lines = "class_name;prompt\ncar;a sleek <name>\ncar;a red <name>\n"
    assert write_prompts("car", 1, settings(tmp_path, lines), seed=0, fits=fits) == ["a red <word>"]
    problem = (
        r"prompts\.csv has 1 usable prompt for class 'car' where 2 are needed, and 1 too long for the text encoder"
    )
    with pytest.raises(UserError, match=problem):
        write_prompts("car", 2, settings(tmp_path, lines), seed=0, fits=fits)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: it must name the columns class_name and prompt"),
        (
            "bench;1;a photo of a <name>\n",
            r"line 1: it must name the columns .* but says 'bench, 1, a photo of a <name>'",
        ),
        ("class_name,class_idx\n", r"line 1: it must name the columns"),
        ("class_name,prompt\ncar,a photo, wet\n", r"line 2: 3 fields where the first line has 2; .* in double quotes"),
        ("class_name;class_idx;prompt\n\ncar;1\n", r"line 3: 2 fields where the first line has 3"),
        ('class_name;prompt\ncar;"a photo of a <name>\ncar;a <name>\n', r"line 3: not valid CSV .*: fix its double"),
        ("class_name;prompt\ncar;a <name> in a café\n".encode("latin-1"), r"is not UTF-8 text .*: save it as CSV in"),
        ("class_name;prompt\nbus;a <name>\n", r"has 0 usable prompts for class 'car' where 1 are needed: add some"),
        ("class_name;prompt\ncar;a boat\n", r"line 2: 'a boat' does not name its class: write <name> where 'car' bel"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"prompts\.file .*prompts\.csv.*{message}") as told:
        write_prompts("car", 1, settings(tmp_path, text), seed=0)
    assert "\n" not in str(told.value)


def test_no_file_or_none_that_is_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs the file: --set prompts\.file=PATH, a CSV file with the columns"):
        check_prompt_settings(PromptSettings(source="file"))
    for missing in (tmp_path, tmp_path / "prompts.csv"):
        with pytest.raises(UserError, match=r"cannot be read \(.*\): name a CSV file"):
            check_prompt_settings(PromptSettings(source="file", file=str(missing)))


def test_files_are_known_by_what_they_say(tmp_path: Path) -> None:
    named = prompts_content(settings(tmp_path, PUBLISHED))
    assert prompts_content(settings(tmp_path, PUBLISHED.replace("\n", "\r\n"), "elsewhere.csv")) == named
    assert prompts_content(settings(tmp_path, PUBLISHED.replace("sleek", "shiny"), "other.csv")) != named
    assert prompts_content(PromptSettings(source="openai")) == ""


def test_word_lists_are_known_by_what_they_say_or_by_the_name_of_one_that_ships(tmp_path: Path) -> None:
    def content(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return prompts_content(PromptSettings(source="template", word_list=str(tmp_path / name)))

    words = "adjectives: [red]\nlocations: [on grass]\nweathers: []\ntimes: []\n"
    first = content("a.yaml", words)
    assert content("b.yaml", f"# mine\n{words}") == first
    assert content("c.yaml", words.replace("red", "blue")) != first
    assert prompts_content(PromptSettings(source="template", word_list="general")) == ""
