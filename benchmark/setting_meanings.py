"""What each setting means, read from docstrings in the source: Python does not keep those of attributes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Any, get_type_hints

from benchmark.settings import RunSettings
from datasets.base import DATASETS
from methods.base import METHODS

_SENTENCE_END = re.compile(r"\.(?=\s+[^\d\s]|$)")
"""The full stop at the end of a sentence, not that of `al. 2021` or `eq. 16`."""

_DESCRIBED = re.compile(r"^ *(?P<names>\w+(?:, \w+)*): (?P<text>.+)$")
"""A line of a class's docstring that describes one attribute or argument, or several."""


def meaning(setting: str) -> str:
    """The first sentence of a setting's docstring (setting: `classifier.epochs`); empty if it has none."""
    group, _, name = setting.rpartition(".")
    return first_sentence(descriptions(_owner(group)).get(name, ""))


def descriptions(owner: type) -> dict[str, str]:
    """Descriptions of the attributes of a class and its bases, by name.

    Each is the string literal that follows the attribute, or else the line `name: …` of the class's docstring.
    """
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__[:-1]):
        found |= dict(_described_together(base)) | dict(_described_alone(base))
    return found


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line, with a capital letter and without its full stop."""
    sentence = " ".join(_SENTENCE_END.split(text, maxsplit=1)[0].split())
    first = sentence[:1]
    return f"{first.upper() if first.isascii() else first}{sentence[1:]}"  # α stays lower case


def _owner(group: str) -> type:
    """The class that holds the settings of a group."""
    owners: dict[str, Any] = {"": RunSettings, **get_type_hints(RunSettings)}
    for registry in (METHODS, DATASETS):
        owners |= {name: registry[name] for name in registry}
    return owners[group]


def _described_alone(owner: type) -> Iterator[tuple[str, str]]:
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(owner))).body
    except (OSError, TypeError):  # the class has no source file
        return
    statements = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, below in pairwise(statements):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


def _described_together(owner: type) -> Iterator[tuple[str, str]]:
    """Names and texts from the docstring's lines `name, name: …`; a text runs to the next such line or an empty one."""
    names: list[str] = []
    texts: list[str] = []
    for line in [*(inspect.cleandoc(owner.__doc__ or "")).splitlines(), ""]:
        start = _DESCRIBED.match(line)
        if start or not line:
            yield from ((name, " ".join(texts)) for name in names)
            names, texts = (start["names"].split(", "), [start["text"]]) if start else ([], [])
        else:
            texts.append(line)
