"""Splits a language model's reply into candidate prompts: JSON strings, or lines without markup, numbers and labels."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

_BRACKET = re.compile(r"[\[{]")
_MOST_FAILURES = 100
"""Brackets that may fail to begin JSON before the search ends: a reply may repeat them, and each is read to the end."""
_ATTRIBUTES = r"(?:\s[^<>=]*=[^<>]*)?\s*/?>"
_LIST_ITEM = re.compile(rf"<li{_ATTRIBUTES}", re.IGNORECASE)
_BLOCK = re.compile(rf"</?(?:li|ol|ul|p|br|div|h[1-6]|tr|th|td|prompts?){_ATTRIBUTES}", re.IGNORECASE)
_INLINE = re.compile(rf"</?(?:b|i|u|em|strong|mark|small|span|code|pre){_ATTRIBUTES}", re.IGNORECASE)
"""Tags are listed by name, as in `_BLOCK`: `<word>` stands for a class, and a model may write `<cup>` for it."""
_TABLE_HEAD = re.compile(r"^[^\n]*\n(?=[ \t]*\|[ \t:|-]*---)", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]*\|(.*)$", re.MULTILINE)
_KEYCAP = re.compile(r"^[ \t]*(?:(?:\d+\ufe0f?\u20e3)+|\U0001f51f)", re.MULTILINE)
_PICTOGRAM = re.compile(r"[\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3\U0001f000-\U0001faff]")
_EMPHASIS = re.compile(r"\*\*|__|`|(?<=\S)\*|\*(?=\S)")
_ITEM = re.compile(r"""^[\s>#]*(?:(?:prompt\s*)?["']?\(?\d{1,3}["']?\s*[.):\]]|[-*•–])\s*(?=\S)""", re.IGNORECASE)
_INLINE_NUMBER = re.compile(r"(?<=[.;,\"”'])\s+(?=\d{1,3}[.)]\s)")

_BEGINNING = re.compile(r"an? photo\b", re.IGNORECASE)
"""The beginning that the request asks for. A line with it is a prompt, whatever quotes and dashes it contains."""
_LABEL = re.compile(r"""^.*?[:–—-][\s"'“”‘«„]+(?=an? photo\b)""", re.IGNORECASE)
_WORD = r"""(?:[^\s"“”«»„']|(?<=\w)'(?=\w))+"""
_QUOTED = re.compile(rf"""(?:^|[:–—-]\s*)["'“‘«„]({_WORD}(?:\s+{_WORD}){{2,}})["'”’»“](?=\s*(?:$|[,;:(–—-]))""")
"""Three or more quoted words, at the start of a line or after a label, and at its end or before a remark."""


def candidates(text: str) -> Iterator[list[str]]:
    """Lists of possible prompts, the likelier one first: JSON strings, then the items of a list or else all lines."""
    yield [_without_html(string) for string in _json_strings(text)]
    yield [_without_label(line) for line in _lines(_without_markup(text))]


def _json_strings(text: str) -> Iterator[str]:
    """The strings of every JSON list and object, including those inside a broken or cut-off one."""
    decoder, at, failures = json.JSONDecoder(), 0, 0
    while failures < _MOST_FAILURES and (begin := _BRACKET.search(text, at)):
        at = begin.end()
        try:
            value, at = decoder.raw_decode(text, begin.start())
            strings = list(_strings(value))
        except (ValueError, RecursionError):
            failures += 1
        else:
            yield from strings


def _strings(value: Any) -> Iterator[str]:
    """All strings in JSON; of an object with prompts, only these: not "dog" in {"class": "dog", "prompts": [...]}."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        named = [entry for key, entry in value.items() if key.lower().startswith("prompt")]
        for entry in named or value.values():
            yield from _strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)


def _without_markup(text: str) -> str:
    """Turn table rows and keycaps (a digit in a box) into list items; remove emphasis and pictograms."""
    text = _TABLE_ROW.sub(_longest_cell, _TABLE_HEAD.sub("", _without_html(text)))
    return _EMPHASIS.sub("", _PICTOGRAM.sub("", _KEYCAP.sub("- ", text)))


def _without_html(text: str) -> str:
    """Turn HTML paragraphs and list items into lines, remove other known tags, and unescape entities (`&amp;`)."""
    return html.unescape(_INLINE.sub("", _BLOCK.sub("\n", _LIST_ITEM.sub("\n- ", text))))


def _longest_cell(row: re.Match[str]) -> str:
    return "- " + max(row[1].split("|"), key=len).strip()


def _lines(text: str) -> list[str]:
    """The items of a list, or else all lines that do not end with a colon."""
    lines = [part for line in text.splitlines() for part in _INLINE_NUMBER.split(line)]
    items = [line for line in lines if _ITEM.match(line)]
    return [_ITEM.sub("", line) for line in items] or [
        line for line in lines if not line.rstrip(" \t\"'").endswith(":")
    ]


def _without_label(line: str) -> str:
    """The prompt in a line such as: Beach – "a photo of a dog on a beach"."""
    line = line.strip()
    if _BEGINNING.match(line):
        return line
    quoted = _QUOTED.search(line)
    return quoted[1] if quoted else _LABEL.sub("", line)
