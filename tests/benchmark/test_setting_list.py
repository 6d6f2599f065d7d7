"""`list settings`: every setting that `--set` accepts, its default, and the description from its docstring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import datasets  # noqa: F401
import methods  # noqa: F401
from benchmark.cli import main
from benchmark.setting_list import MEANING_AT, WIDTH, list_settings
from benchmark.setting_meanings import descriptions, first_sentence, meaning
from benchmark.settings import OPTIONS, resolve_settings, settable


def listed(preset: str = "mini", dataset: str = "mini_focus") -> list[str]:
    """The settings as they appear in the list, `key=value`."""
    lines = list_settings(preset, dataset).splitlines()[1:]
    beside = (line[:MEANING_AT] if line[MEANING_AT - 2 : MEANING_AT] == "  " else line for line in lines)
    return [text.strip() for text in beside if text.strip()]


def test_each_default_is_one_that_set_takes_and_changes_nothing():
    plain = settable(resolve_settings())
    assert settable(resolve_settings(overrides=tuple(listed()))) == plain
    assert [text.partition("=")[0] for text in listed()] == list(plain)


def test_settings_of_every_method_and_dataset_are_there_and_those_with_options_are_not():
    names = {text.partition("=")[0] for text in listed()}
    assert {"workers", "classifier.epochs", "da_fusion.strength", "diagen.noise_std", "coco.crowd"} <= names
    assert not names & set(OPTIONS)
    assert not any(name.startswith(("methods.", "dataset_settings.", "diagen.enabled")) for name in names)


def test_defaults_are_those_of_the_preset(tmp_path: Path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("classifier: {epochs: 7}\n")
    assert "classifier.epochs=7" in listed(str(mine))
    assert "classifier.epochs=50" in listed("paper")
    assert "classifier.epochs=20" in listed("mini")


@pytest.mark.parametrize("name", list(settable(resolve_settings())))
def test_every_setting_says_what_it_means(name: str):
    assert len(meaning(name)) > len("Adam")


def test_the_list_fits_in_a_terminal():
    assert max(len(line) for line in list_settings("paper", "coco").splitlines()) <= WIDTH


def test_defaults_are_those_on_the_dataset():
    assert "classifier.image_size=192" in listed()
    assert "classifier.image_size=224" in listed(dataset="imagefolder")


@pytest.mark.parametrize("option", [("--preset", "paper"), ("--dataset", "coco")])
def test_another_list_takes_neither(option: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    assert main(["list", "methods", *option]) == 2
    assert "list settings" in capsys.readouterr().err


@dataclass
class Together:
    """Settings that the docstring describes.

    width, height: of the image,
    in pixels.
    depth: of the image.
    """

    width: int = 1
    height: int = 1
    depth: int = 1


@dataclass
class Alone(Together):
    depth: int = 2
    """Another depth."""
    silent: int = 3


def test_a_docstring_describes_one_attribute_or_several():
    assert descriptions(Together) == {
        "width": "of the image, in pixels.",
        "height": "of the image, in pixels.",
        "depth": "of the image.",
    }


def test_a_string_below_an_attribute_describes_that_one():
    assert descriptions(Alone) == {**descriptions(Together), "depth": "Another depth."}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Steps of Adam. Many.", "Steps of Adam"),
        ("of Eq. 2 (Song et al. 2021), 0.5\n  at most. More.", "Of Eq. 2 (Song et al. 2021), 0.5 at most"),
        ("`auto`: bfloat16. `always`.", "`auto`: bfloat16"),
        ("α of DIAGen.", "α of DIAGen"),
        ("", ""),
    ],
)
def test_the_first_sentence_ends_at_its_full_stop(text: str, sentence: str):
    assert first_sentence(text) == sentence
