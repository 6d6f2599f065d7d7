"""Prompts from a CSV file, such as published ones or those of an earlier run.

    class_name;class_idx;prompt
    cell_phone;1;'a photo of a blue <name> in a cafe'

This is how DIAGen's authors published what GPT-4 wrote. Columns may be in any order, separated by semicolons or commas;
only class and prompt are read. `<name>`, `{name}` or `<word>` stands for the class; other prompts contain its noun.

The `provenance.csv` of `python -m benchmark export` is such a file too, with a column `class`. Its lines without a
prompt are real images, and a repeated prompt counts once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from datasets.errors import UserError, reason_of
from datasets.folders import class_noun
from datasets.home import path_of
from datasets.plurals import counted
from datasets.seeding import fingerprint
from methods.plan import PLACEHOLDER
from methods.prompts.fits import Fits
from methods.prompts.reply import distinct, is_text, usable_prompt, without_marks
from methods.settings import PromptSettings

CLASS_COLUMNS = ("class_name", "class")
PROMPT_COLUMN = "prompt"
_PLACEHOLDERS = ("<name>", "{name}", PLACEHOLDER)


class _Line(NamedTuple):
    """number: of the line in the file, from 1; of the last line if a prompt has line breaks."""

    number: int
    noun: str
    prompt: str


def check(settings: PromptSettings) -> None:
    """Read the file; raises `UserError` if it is missing or broken."""
    if not settings.file:
        raise UserError(
            "prompts.source=file needs the file: --set prompts.file=PATH, a CSV file with the columns "
            f"{CLASS_COLUMNS[0]} and {PROMPT_COLUMN}"
        )
    _lines(path_of(settings.file))


def content(settings: PromptSettings) -> str:
    """A hash of the file's classes and prompts, whatever its path and separator."""
    return fingerprint("file of prompts", [(line.noun, line.prompt) for line in _lines(path_of(settings.file))])


def write(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits) -> list[str]:
    """The class's first `count` prompts that fit, the same for every seed.

    Raises:
        UserError: one of the class's prompts does not name the class or contains a control character, or too few fit.
    """
    path = path_of(settings.file)
    own = [line for line in _lines(path) if line.noun == _key(noun) and line.prompt]
    found = distinct(_prompt(line, noun, settings.plurals, path) for line in own)
    prompts = [prompt for prompt in found if fits(prompt)]
    if len(prompts) < count:
        cut = len(found) - len(prompts)
        needed = f"{count} are needed" + (f", and {cut} too long for the text encoder" if cut else "")
        raise UserError(
            f"prompts.file {path} has {counted(len(prompts), 'usable prompt')} for class '{noun}' where {needed}: add "
            f"some, with '{noun}' as their {CLASS_COLUMNS[0]}, or ask for fewer (prompts_per_class)"
        )
    return prompts[:count]


def _prompt(line: _Line, noun: str, plurals: str, path: Path) -> str:
    """The line's prompt, with `<word>` in place of a placeholder or else of the class noun.

    A prompt without a placeholder is read like one in a language model's reply.
    """
    text = line.prompt
    for placeholder in _PLACEHOLDERS:
        text = text.replace(placeholder, PLACEHOLDER)
    if not is_text(without_marks(text)):
        raise UserError(
            f"prompts.file {path}, line {line.number}: {text[:60]!r} contains a control character: remove it"
        )
    prompt = without_marks(text) if PLACEHOLDER in text else usable_prompt(text, noun, plurals)
    if prompt is None:
        raise UserError(
            f"prompts.file {path}, line {line.number}: '{text[:60]}' does not name its class: write <name> where "
            f"'{noun}' belongs"
        )
    return prompt


@lru_cache(maxsize=8)
def _lines(path: Path) -> tuple[_Line, ...]:
    """The lines of the file when it is first read; changes during a sweep count only for the next one.

    Raises:
        UserError: the file is missing or unreadable, or is not a table with these columns.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"prompts.file {path} is not UTF-8 text ({error.reason}): save it as CSV in UTF-8") from None
    except OSError as error:
        raise UserError(f"prompts.file {path} cannot be read ({error.strerror}): name a CSV file") from None
    return tuple(_parse(text, path))


def _parse(text: str, path: Path) -> Iterator[_Line]:
    semicolons = ";" in text.partition("\n")[0]  # only the header decides: prompts contain both
    table = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if semicolons else ",", skipinitialspace=True, strict=True
    )
    try:
        columns = [name.strip() for name in next(table, [])]
        noun = _class_column(columns, path)
        for fields in filter(None, table):
            if len(fields) != len(columns):
                raise UserError(
                    f"prompts.file {path}, line {table.line_num}: {counted(len(fields), 'field')} where the first line "
                    f"has {len(columns)}; put a prompt that contains the separator in double quotes"
                )
            row = dict(zip(columns, fields, strict=True))
            yield _Line(table.line_num, _key(row[noun]), row[PROMPT_COLUMN].strip())
    except csv.Error as error:
        raise UserError(
            f"prompts.file {path}, line {table.line_num}: not valid CSV ({reason_of(error)}): fix its double quotes"
        ) from None


def _class_column(columns: Sequence[str], path: Path) -> str:
    noun = next((name for name in CLASS_COLUMNS if name in columns), None)
    if noun is None or PROMPT_COLUMN not in columns:
        raise UserError(
            f"prompts.file {path}, line 1: it must name the columns {CLASS_COLUMNS[0]} and {PROMPT_COLUMN}, "
            f"separated by semicolons or commas, but says '{', '.join(columns)[:80]}'"
        )
    return noun


def _key(noun: str) -> str:
    """The form in which class names are compared: `Cell_phone` equals `cell phone`."""
    return class_noun(noun).casefold()
