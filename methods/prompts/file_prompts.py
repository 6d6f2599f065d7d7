"""Prompts from a CSV file: those that others published, or that an earlier run used.

    class_name;class_idx;prompt
    cell_phone;1;'a photo of a blue <name> in a cafe'

So DIAGen's authors published what GPT-4 wrote. Columns stand in any order, between semicolons or commas; others than
class and prompt are not read. `<name>`, `{name}` or `<word>` stands for the class; a prompt without one holds its noun.

The `provenance.csv` of `python -m benchmark export` is such a file too, with a column `class`: its lines without a
prompt are real images, and a prompt that comes again counts once.
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
    """number: in the file, from 1; where a prompt has line breaks, of its last."""

    number: int
    noun: str
    prompt: str


def check(settings: PromptSettings) -> None:
    """Read the file; raises `UserError` where it is missing or broken."""
    if not settings.file:
        raise UserError(
            "prompts.source=file needs the file: --set prompts.file=PATH, a CSV file with the columns "
            f"{CLASS_COLUMNS[0]} and {PROMPT_COLUMN}"
        )
    _lines(path_of(settings.file))


def content(settings: PromptSettings) -> str:
    """Equal for files of the same classes and prompts, wherever they lie and however they are separated."""
    return fingerprint("file of prompts", [(line.noun, line.prompt) for line in _lines(path_of(settings.file))])


def write(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits) -> list[str]:
    """The class's first `count` prompts, the same for every seed; those that do not fit are passed over.

    Raises:
        UserError: a prompt before them lacks the class, or there are too few.
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
    """With `<word>` for the class: in place of what stands for it, or else of its noun, which is then read as a
    language model's is.
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
    """What the file says when it is first read: who edits it while a sweep is on edits the next one.

    Raises:
        UserError: no file, or none that can be read, or not a table with these columns.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"prompts.file {path} is not UTF-8 text ({error.reason}): save it as CSV in UTF-8") from None
    except OSError as error:
        raise UserError(f"prompts.file {path} cannot be read ({error.strerror}): name a CSV file") from None
    return tuple(_parse(text, path))


def _parse(text: str, path: Path) -> Iterator[_Line]:
    semicolons = ";" in text.partition("\n")[0]  # of the header alone: prompts hold both
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
    """By which classes are compared: `Cell_phone` is a cell phone."""
    return class_noun(noun).casefold()
