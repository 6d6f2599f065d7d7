"""Prompts from word lists: the sentence pattern; varied, distinct, and in the generator's vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from datasets.errors import UserError
from datasets.mini_focus.caption import HOURS, PLACES, SKIES
from datasets.mini_focus.scene import COLOURS, SHELTERED
from methods.prompts import write_prompts
from methods.prompts.template import word_list
from methods.settings import PromptSettings

LISTS = ("general", "mini_focus")


def settings(words: str) -> PromptSettings:
    return PromptSettings(source="template", word_list=words)


def brackets(words: str) -> dict[str, set[str]]:
    """The phrases for each gap in the sentence pattern."""
    content = word_list(words)
    places = content.locations + content.sheltered + content.timeless
    tables = {"adjective": content.adjectives, "place": places, "weather": content.weathers, "time": content.times}
    return {name: {phrase for group in table for phrase in group} for name, table in tables.items()}


def pattern(words: str) -> re.Pattern[str]:
    options = {name: "|".join(sorted(phrases, key=len, reverse=True)) for name, phrases in brackets(words).items()}
    return re.compile(
        rf"a photo of an? (?:(?P<adjective>{options['adjective']}) )?<word>(?: (?P<place>{options['place']}))?"
        rf"(?: (?P<weather>{options['weather']}))?(?: (?P<time>{options['time']}))?"
    )


@pytest.mark.parametrize("words", LISTS)
def test_every_prompt_follows_the_pattern_and_the_number_of_filled_brackets_varies(words: str) -> None:
    matches = [pattern(words).fullmatch(prompt) for prompt in write_prompts("car", 60, settings(words), seed=0)]
    filled = Counter(sum(part is not None for part in match.groups()) for match in matches if match)
    assert sum(filled.values()) == 60
    assert set(filled) == {1, 2, 3, 4}


@pytest.mark.parametrize("words", LISTS)
def test_prompts_are_distinct_and_depend_on_noun_and_seed_alone(words: str) -> None:
    prompts = write_prompts("car", 100, settings(words), seed=0)
    assert len(set(prompts)) == 100
    assert prompts == write_prompts("car", 100, settings(words), seed=0)
    assert prompts != write_prompts("car", 100, settings(words), seed=1)
    assert prompts != write_prompts("bird", 100, settings(words), seed=0)


def test_ten_prompts_name_most_places() -> None:
    """The list is dealt like cards: no place is repeated before all have been used."""
    places = word_list("mini_focus").locations + word_list("mini_focus").sheltered + word_list("mini_focus").timeless
    for seed in range(10):
        prompts = write_prompts("car", 10, settings("mini_focus"), seed)
        named = [i for prompt in prompts for i, group in enumerate(places) if prompt_names(prompt, group)]
        assert len(set(named)) == min(len(named), len(places))


def prompt_names(prompt: str, group: tuple[str, ...]) -> bool:
    match = pattern("mini_focus").fullmatch(prompt)
    return match is not None and match["place"] in group


def test_sheltered_places_have_no_weather_and_space_no_time() -> None:
    words = word_list("mini_focus")
    for prompt in write_prompts("car", 300, settings("mini_focus"), seed=0):
        match = pattern("mini_focus").fullmatch(prompt)
        assert match is not None
        if any(match["place"] in group for group in words.sheltered + words.timeless):
            assert match["weather"] is None
        if any(match["place"] in group for group in words.timeless):
            assert match["time"] is None


def test_the_article_suits_the_word_that_follows() -> None:
    prompts = write_prompts("umbrella", 60, settings("mini_focus"), seed=0)
    assert any("an orange <word>" in prompt for prompt in prompts)
    for prompt in prompts:
        following = prompt.removeprefix("a photo of ").split()[1].replace("<word>", "umbrella")
        assert prompt.startswith("a photo of an ") == (following[0] in "aeiou")


def test_the_mini_focus_list_is_what_its_captions_say() -> None:
    """It has all phrases of the captions except for the foggy day, which would contradict "at night"."""
    words = word_list("mini_focus")
    places = words.locations + words.sheltered + words.timeless
    assert set(places) == set(PLACES.values())
    assert set(words.weathers) == {tuple(p for p in sky if p != "on a foggy day") for sky in SKIES.values()}
    assert set(words.times) == set(HOURS.values())
    assert {colour for (colour,) in words.adjectives} == set(COLOURS)
    assert set(words.sheltered) | set(words.timeless) == {PLACES[place] for place in SHELTERED}


def test_a_list_that_is_used_up_repeats(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("adjectives: [red]\nlocations: [on grass]\nweathers: []\ntimes: []\n")
    prompts = write_prompts("car", 8, settings(str(path)), seed=0)
    assert len(prompts) == 8
    starts = {"a photo of a red <word>", "a photo of a <word> on grass"}
    assert set(prompts) == starts | {"a photo of a red <word> on grass"}


@pytest.mark.parametrize("kind", ["sheltered", "timeless"])
def test_places_of_one_kind_alone_are_used(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(f"adjectives: [red]\nlocations: []\n{kind}: [in a cave]\nweathers: [in fog]\ntimes: []\n")
    prompts = write_prompts("car", 40, settings(str(path)), seed=0)
    caves = {prompt for prompt in prompts if "in a cave" in prompt}
    assert caves == {"a photo of a <word> in a cave", "a photo of a red <word> in a cave"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("adjectives: [", "not readable YAML"),
        ("- red", "must be a mapping"),
        ("colours: [red]", "must be a mapping with the keys"),
        ("adjectives: [red]", "lacks: locations, times, weathers"),
        ("adjectives: [1]\nlocations: []\nweathers: []\ntimes: []", "every entry of adjectives must be a phrase"),
        ("adjectives: red\nlocations: []\nweathers: []\ntimes: []", "adjectives must be a list"),
    ],
)
def test_a_broken_word_list_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        write_prompts("car", 1, settings(str(path)), seed=0)


def test_a_word_list_whose_prompts_do_not_fit_is_named() -> None:
    with pytest.raises(UserError, match=r"too long for the text encoder.*adjectives of prompts.word_list 'general'"):
        write_prompts("car", 40, settings("general"), seed=0, fits=lambda prompt: prompt.index("<word>") < 25)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UserError, match=r"'paris' is neither a YAML file nor one of: general, mini_focus"):
        write_prompts("car", 1, settings("paris"), seed=0)
    with pytest.raises(UserError, match="unknown prompt source 'openia'; did you mean openai"):
        write_prompts("car", 1, PromptSettings(source="openia"), seed=0)
