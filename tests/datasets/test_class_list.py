"""classes.yaml: nouns and display names for class folders, and the line number of every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.base import DATASETS
from datasets.class_list import ClassWords, read_class_list
from datasets.errors import UnknownName, UserError
from tests.datasets.folders import write_classes

FOLDERS = ("cell_phone", "cup", "n02123045")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "classes.yaml"


def test_a_noun_alone_is_the_name_too_and_what_is_not_listed_keeps_its_folders_name(path: Path) -> None:
    path.write_text("n02123045: tabby cat   # from WordNet\ncell_phone: {name: Mobile phone}\n")
    assert read_class_list(path, FOLDERS) == (
        ClassWords("cell phone", "Mobile phone"),
        ClassWords("cup", "cup"),
        ClassWords("tabby cat", "tabby cat"),
    )


def test_noun_and_name(path: Path) -> None:
    path.write_text("cup: {noun: teacup, name: Tea cup}\nn02123045:\n  noun: cat\n")
    assert read_class_list(path, FOLDERS)[1:] == (ClassWords("teacup", "Tea cup"), ClassWords("cat", "cat"))


@pytest.mark.parametrize("text", [None, "", "# nothing yet\n"])
def test_without_entries_folders_name_their_classes(path: Path, text: str | None) -> None:
    if text is not None:
        path.write_text(text)
    assert [words.noun for words in read_class_list(path, FOLDERS)] == ["cell phone", "cup", "n02123045"]


def test_words_that_yaml_takes_for_something_else_stay_words(path: Path) -> None:
    path.write_text("no: 7\n007: yes\n")
    assert [words.noun for words in read_class_list(path, ("no", "007"))] == ["7", "yes"]


def test_decomposed_and_composed_names_are_the_same(path: Path) -> None:
    path.write_text("\ufeffcafe\u0301: cafe\u0301 table\n", encoding="utf-8")
    assert read_class_list(path, ("caf\u00e9",)) == (ClassWords("caf\u00e9 table", "caf\u00e9 table"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cup: [teacup\n", r"classes.yaml: not valid YAML \(.+ in line 2\)"),
        ("[" * 5000, r"not valid YAML \(.*recursion"),
        ("cup: teacup\n\tkey: x\n", r"not valid YAML \(.+ in line 2\)"),
        ("- cup\n- key\n", "line 1: the file must map class folders to nouns"),
        ("cup: teacup\ncell_phone: [a, b]\n", r"line 2: a class is a noun, or \{noun: …, name: …\}"),
        ("cup: teacup\ncell_phone:\n", "line 2: a noun or a name must be one"),
        ("cup:\n  noun: [a]\n", "line 2: a noun or a name must be one"),
        ("cup: teacup\ncup: mug\n", "line 2: 'cup' occurs twice"),
        ("cup: {noun: mug, noun: beaker}\n", "line 1: 'noun' occurs twice"),
        ("cup: mug\ncell_phone: Mug\n", "'cell_phone' and 'cup' are both called 'mug'"),
        ("cup: {noun: mug, name: A}\ncell_phone: {name: A}\n", "'cell_phone' and 'cup' are both called 'A'"),
        ("n02123045: cup\n", "'cup' and 'n02123045' are both called 'cup'"),
        ("? [a, b]\n: cup\n", "line 1: the file must map"),
    ],
)
def test_mistakes_are_named_with_their_line(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_class_list(path, FOLDERS)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_file_that_is_no_text_is_named(path: Path) -> None:
    path.write_bytes(b"cup: caf\xe9\n")
    with pytest.raises(UserError, match="not valid YAML"):
        read_class_list(path, FOLDERS)


def test_an_unknown_class_or_key_offers_the_nearest(path: Path) -> None:
    path.write_text("cup: teacup\ncel_phone: phone\n")
    with pytest.raises(UnknownName, match=r"classes\.yaml, line 2: 'cel_phone'; did you mean cell_phone\?"):
        read_class_list(path, FOLDERS)
    path.write_text("cup: {nuon: teacup}\n")
    with pytest.raises(UnknownName, match=r"line 1: 'nuon'; did you mean noun\?"):
        read_class_list(path, FOLDERS)


def test_the_dataset_says_nouns_in_prompts_and_names_to_people(tmp_path: Path) -> None:
    write_classes(tmp_path, {"n1": 10, "n2": 10})
    (tmp_path / "classes.yaml").write_text("n1: {noun: cup, name: Tasse}\nn2: key\n")
    dataset = DATASETS["imagefolder"](tmp_path)
    assert (dataset.classes, dataset.display_names) == (("cup", "key"), ("Tasse", "key"))
    verification = DATASETS["imagefolder"].verify(tmp_path, lambda count: None)
    assert list(verification.counts) == ["Tasse", "key"]
