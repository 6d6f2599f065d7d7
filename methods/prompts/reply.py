"""Reads prompts out of a language model's reply, however it is laid out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from datasets.class_folders import composed
from methods.plan import PLACEHOLDER
from methods.prompts.layout import candidates

MAX_WORDS = 50
"""A longer line is prose about prompts, or more than a text encoder of 77 tokens takes."""

_THOUGHTS = re.compile(r"^.*</think>|<think>.*$", re.DOTALL | re.IGNORECASE)
"""What a reasoning model says to itself first. Many servers leave out the opening mark, a cut reply the closing one."""
_MARKS = " \t\"'`*_“”‘’«»„"
_FINAL_MARKS = " .,;:!?…"
_IRREGULAR = {"mouse": "mice", "goose": "geese", "person": "people", "man": "men", "woman": "women"}


def prompts_in(reply: str, noun: str, plurals: str = "word") -> list[str]:
    """The distinct usable prompts of a reply, in order, with `<word>` for the noun.

    Numbered, bulleted and quoted lines, one running line of numbered items, tables, HTML, and JSON are understood.
    Where the reply has a list, whatever stands around it is left out. A prompt is usable if it holds the noun as a
    whole word, in singular or plural.

    Args:
        plurals: `word`: as above; `as_written`: as the published code, which takes the noun anywhere in the text, and
            replaces it where it is a whole word: "cars on a road" stays, and has no `<word>`.
    """
    for lines in candidates(_THOUGHTS.sub("", reply)):
        prompts = [prompt for prompt in (usable_prompt(line, noun, plurals) for line in lines) if prompt]
        if prompts:
            return distinct(prompts)
    return []


def usable_prompt(line: str, noun: str, plurals: str = "word") -> str | None:
    """The line as a prompt with `<word>` for the noun, or None where it is none; `plurals` as in `prompts_in`."""
    text, noun = without_marks(composed(line)), composed(noun)
    if PLACEHOLDER in text or len(text.split()) > MAX_WORDS or not is_text(text):
        return None
    return _prompt(text, noun) if plurals == "word" else _prompt_as_written(text, noun)


def without_marks(line: str) -> str:
    """The line without the quotes, emphasis and final marks that surround it."""
    return " ".join(line.strip(_MARKS + ",").rstrip(".").strip(_MARKS).split())


def is_text(text: str) -> bool:
    """Whether it has neither control characters nor half a pair of surrogates, which no tokenizer reads."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def distinct(prompts: Iterable[str]) -> list[str]:
    """The first of those that differ in case or in a final mark alone: a text encoder reads nearly the same."""
    first: dict[str, str] = {}
    for prompt in prompts:
        first.setdefault(prompt.casefold().rstrip(_FINAL_MARKS), prompt)
    return list(first.values())


def noun_pattern(noun: str) -> re.Pattern[str]:
    """Matches the noun as a whole word, in singular or plural, "cell phone" also as "cell-phone" or "cellphone"."""
    return _pattern(" ".join(noun.lower().split()))


@lru_cache(maxsize=1024)
def _pattern(noun: str) -> re.Pattern[str]:
    *first, last = noun.split(" ")
    forms = [r"[\s-]?".join(re.escape(word) for word in (*first, form)) for form in _forms(last)]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(forms, key=len, reverse=True))})(?![\w-])", re.IGNORECASE)


def _forms(word: str) -> set[str]:
    """The word and the plurals that it may have."""
    forms = {word, word + "s", word + "es", _IRREGULAR.get(word, word)}
    if word.endswith("y"):
        forms.add(word[:-1] + "ies")
    if word.endswith("fe"):
        forms.add(word[:-2] + "ves")
    if word.endswith("f"):
        forms.add(word[:-1] + "ves")
    return forms


def _prompt(text: str, noun: str) -> str | None:
    prompt, count = noun_pattern(noun).subn(PLACEHOLDER, text)
    return prompt if count else None


def _prompt_as_written(text: str, noun: str) -> str | None:
    if noun.lower() not in text.lower():
        return None
    return re.sub(rf"\b{re.escape(noun)}\b", PLACEHOLDER, text, flags=re.IGNORECASE)
