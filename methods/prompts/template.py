"""Prompts from word lists, offline: DIAGen's sentence pattern, filled at random.

    a photo of a [adjective] <class> [location] [weather] [time of day]

Every bracket is optional; how many are filled varies from prompt to prompt. Locations, weathers and times include their
prepositions. Each list is dealt like a pack of cards, so that a class's few prompts differ as much as the list allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from datasets.errors import UserError, reason_of
from datasets.home import path_of
from datasets.seeding import fingerprint, seed_from
from methods.plan import PLACEHOLDER
from methods.prompts.fits import Fits
from methods.settings import PromptSettings

Group = tuple[str, ...]
"""Phrases with the same meaning."""

_FOLDER = Path(__file__).parent
_REDRAWS = 100
"""Draws without a new prompt after which the word list counts as used up."""


@dataclass(frozen=True)
class WordList:
    """What the brackets are filled with. Each entry is a group of phrases with the same meaning, dealt as one card.

    adjectives: visual adjectives.
    locations: outdoor locations, with their prepositions.
    sheltered: locations without weather.
    timeless: locations without weather or time of day.
    weathers, times: with their prepositions.
    """

    adjectives: tuple[Group, ...]
    locations: tuple[Group, ...]
    weathers: tuple[Group, ...]
    times: tuple[Group, ...]
    sheltered: tuple[Group, ...] = ()
    timeless: tuple[Group, ...] = ()


def check(settings: PromptSettings) -> None:
    """Read the word list; raises `UserError` if it is missing or broken."""
    word_list(settings.word_list)


def content(settings: PromptSettings) -> str:
    """A hash of the user's own word list; empty for one that ships with the project, since its name is enough."""
    name = settings.word_list
    return "" if _shipped(name).is_file() else fingerprint("word list", asdict(word_list(name)))


def write(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits) -> list[str]:
    """`count` prompts for the noun, distinct as long as the word list allows; the same for the same arguments.

    Raises:
        UserError: a prompt does not fit.
    """
    words = word_list(settings.word_list)
    rng = np.random.default_rng(seed_from("template prompts", noun, seed))
    decks = {name: _Deck(getattr(words, name), rng) for name in ("adjectives", "weathers", "times")}
    decks["locations"] = _Deck(words.locations + words.sheltered + words.timeless, rng)
    prompts: list[str] = []
    repeats = 0
    while len(prompts) < count:
        prompt = _sentence(noun, words, decks, rng)
        if prompt in prompts and repeats < _REDRAWS:
            repeats += 1
            continue
        if not fits(prompt):
            raise UserError(
                f"prompt '{prompt[:60]}…' is too long for the text encoder, which cuts off its class word: shorten the "
                f"adjectives of prompts.word_list '{settings.word_list}'"
            )
        prompts.append(prompt)
        repeats = 0
    return prompts


@lru_cache(maxsize=8)
def word_list(name: str) -> WordList:
    """The word list that ships under this name, or that is in a YAML file at this path.

    Raises:
        UserError: there is no such list or file, or its content is not a word list.
    """
    from omegaconf import OmegaConf

    path = _shipped(name)
    if not path.is_file():
        path = path_of(name)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in _FOLDER.glob("*.yaml")))
        raise UserError(f"prompts.word_list '{name}' is neither a YAML file nor one of: {known}")
    try:
        content = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:  # errors of YAML, of OmegaConf, or of decoding the text
        raise UserError(f"word list {path} is not readable YAML: {reason_of(error)}") from None
    return _parse(content, path)


def _shipped(name: str) -> Path:
    return _FOLDER / f"{name}.yaml"


def _parse(content: Any, path: Path) -> WordList:
    known = set(WordList.__dataclass_fields__)
    if not isinstance(content, dict) or not set(content) <= known:
        raise UserError(f"word list {path} must be a mapping with the keys {', '.join(sorted(known))}")
    missing = {"adjectives", "locations", "weathers", "times"} - content.keys()
    if missing:
        raise UserError(f"word list {path} lacks: {', '.join(sorted(missing))}")
    return WordList(**{key: _groups(entries, path, key) for key, entries in content.items()})


def _groups(entries: Any, path: Path, key: str) -> tuple[Group, ...]:
    if entries is not None and not isinstance(entries, list):
        raise UserError(f"word list {path}: {key} must be a list, got {entries!r}")
    return tuple(_group(entry, path, key) for entry in entries or ())


def _group(entry: Any, path: Path, key: str) -> Group:
    phrases = entry if isinstance(entry, list) else [entry]
    if not phrases or not all(isinstance(phrase, str) and phrase.strip() for phrase in phrases):
        raise UserError(f"word list {path}: every entry of {key} must be a phrase or a list of phrases, got {entry!r}")
    return tuple(phrase.strip() for phrase in phrases)


class _Deck:
    """Deals all groups in random order before it repeats any."""

    def __init__(self, groups: Sequence[Group], rng: Generator) -> None:
        self._groups = groups
        self._rng = rng
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._groups)

    def deal(self) -> Group:
        if not self._order:
            self._order = self._rng.permutation(len(self._groups)).tolist()
        return self._groups[self._order.pop()]


def _sentence(noun: str, words: WordList, decks: dict[str, _Deck], rng: Generator) -> str:
    """One sentence, in which the number of filled brackets, from one to all, is drawn uniformly.

    A sheltered location then removes the weather, and a timeless one both the weather and the time.
    """
    brackets = [name for name in ("adjectives", "locations", "weathers", "times") if len(decks[name])]
    filled = set(rng.permutation(brackets)[: int(rng.integers(1, len(brackets) + 1))].tolist()) if brackets else set()
    place = decks["locations"].deal() if "locations" in filled else ()
    if place in (*words.sheltered, *words.timeless):
        filled.discard("weathers")
    if place in words.timeless:
        filled.discard("times")
    adjective = _phrase(decks["adjectives"].deal(), rng) if "adjectives" in filled else ""
    later = [place] if place else []
    later += [decks[name].deal() for name in ("weathers", "times") if name in filled]
    start = f"a photo of {_article(adjective or noun)}"
    parts = [start, adjective, PLACEHOLDER, *(_phrase(group, rng) for group in later)]
    return " ".join(part for part in parts if part)


def _phrase(group: Group, rng: Generator) -> str:
    return group[int(rng.integers(len(group)))]


def _article(next_word: str) -> str:
    return "an" if next_word[:1].lower() in "aeiou" else "a"
