"""Extracts prompts from a language model's reply, whatever its layout."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from datasets.class_folders import composed
from methods.plan import PLACEHOLDER
from methods.prompts.layout import candidates

MAX_WORDS = 50
"""A longer line is prose about prompts, or too long for a text encoder that reads 77 tokens."""

_THOUGHTS = re.compile(r"^.*</think>|<think>.*$", re.DOTALL | re.IGNORECASE)
"""A reasoning model's thoughts. Many servers omit the opening tag, and a reply that is cut off has no closing one."""
_MARKS = " \t\"'`*_“”‘’«»„"
_FINAL_MARKS = " .,;:!?…"
_IRREGULAR = {"mouse": "mice", "goose": "geese", "person": "people", "man": "men", "woman": "women"}


def prompts_in(reply: str, noun: str, plurals: str = "word") -> list[str]:
    """The distinct usable prompts of a reply, in order, with `<word>` for the noun.

    Numbered, bulleted and quoted lines, numbered items in one line, tables, HTML, and JSON are understood. If the reply
    has a list, everything around it is ignored. A prompt is usable if it contains the noun as a whole word, in singular
    or plural.

    Args:
        plurals: `word`: as above; `as_written`: as in the published code, which accepts the noun anywhere in the text,
            but replaces it only as a whole word: "cars on a road" is kept without a `<word>`.
    """
    for lines in candidates(_THOUGHTS.sub("", reply)):
        prompts = [prompt for prompt in (usable_prompt(line, noun, plurals) for line in lines) if prompt]
        if prompts:
            return distinct(prompts)
    return []


def usable_prompt(line: str, noun: str, plurals: str = "word") -> str | None:
    """The line as a prompt with `<word>` for the noun, or None if it is not usable; `plurals` as in `prompts_in`."""
    text, noun = without_marks(composed(line)), composed(noun)
    if PLACEHOLDER in text or len(text.split()) > MAX_WORDS or not is_text(text):
        return None
    return _prompt(text, noun) if plurals == "word" else _prompt_as_written(text, noun)


def without_marks(line: str) -> str:
    """The line without surrounding quotes, emphasis and commas, and without a final full stop."""
    return " ".join(line.strip(_MARKS + ",").rstrip(".").strip(_MARKS).split())


def is_text(text: str) -> bool:
    """Whether a text is free of control characters and unpaired surrogates, which no tokenizer reads."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def distinct(prompts: Iterable[str]) -> list[str]:
    """Keep the first of prompts that differ only in case or final punctuation: a text encoder reads nearly the same."""
    first: dict[str, str] = {}
    for prompt in prompts:
        first.setdefault(prompt.casefold().rstrip(_FINAL_MARKS), prompt)
    return list(first.values())


def noun_pattern(noun: str) -> re.Pattern[str]:
    """Matches the noun as a whole word, in singular or plural; "cell phone" also as "cell-phone" or "cellphone"."""
    return _pattern(" ".join(noun.lower().split()))


@lru_cache(maxsize=1024)
def _pattern(noun: str) -> re.Pattern[str]:
    *first, last = noun.split(" ")
    forms = [r"[\s-]?".join(re.escape(word) for word in (*first, form)) for form in _forms(last)]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(forms, key=len, reverse=True))})(?![\w-])", re.IGNORECASE)


def _forms(word: str) -> set[str]:
    """The word and its possible plurals."""
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
