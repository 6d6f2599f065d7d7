"""classes.yaml: the words for a user's own classes in prompts and in tables, by class folder.

    n02123045: tabby cat                                    # noun and name
    cell_phone: {noun: cell phone, name: Mobile phone}

`noun` is used in prompts, `name` in tables and figures. Both default to the folder's name, and `name` to the noun where
only that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from datasets.class_folders import composed
from datasets.errors import NOT_PARSED, UnknownName, UserError, reason_of
from datasets.folders import class_noun


@dataclass(frozen=True)
class ClassWords:
    """`noun`: the word in prompts; `name`: the one in tables and figures."""

    noun: str
    name: str


def read_class_list(path: Path, folders: Sequence[str]) -> tuple[ClassWords, ...]:
    """The words for each class, in the order of `folders`; by default, or without a file, those of its folder's name.

    Raises:
        UnknownName: the file lists a class without a folder.
        UserError: the file is not YAML or not of the form above (with its line), or two classes share a noun or name.
    """
    words = {composed(folder): ClassWords(class_noun(folder), class_noun(folder)) for folder in folders}
    if path.is_file():
        for folder, node in _entries(path, words):
            words[folder] = _words(path, node, words[folder])
        _require_unique(path, words, lambda own: own.noun.casefold())
        _require_unique(path, words, lambda own: own.name)
    return tuple(words[composed(folder)] for folder in folders)


def _entries(path: Path, known: dict[str, ClassWords]) -> Iterator[tuple[str, yaml.Node]]:
    """(folder, node) pairs of the file. Unlike parsed values, nodes know their lines and keep `no` as a word."""
    seen = set()
    for folder, key, value in _pairs(path, _root(path), "the file must map class folders to nouns"):
        folder = composed(folder)
        if folder not in known:
            raise UnknownName(f"class folder in {_where(path, key)}:", folder, known)
        if folder in seen:
            raise UserError(f"{_where(path, key)}: '{folder}' occurs twice; remove one")
        seen.add(folder)
        yield folder, value


def _root(path: Path) -> yaml.Node:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (*NOT_PARSED, OSError) as error:
        raise UserError(f"{path}: not valid YAML ({reason_of(error)})") from None
    return node or yaml.MappingNode("tag:yaml.org,2002:map", [])


def _pairs(path: Path, node: yaml.Node, form: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """(text of the key, key, value) for each entry of a mapping; `form` is the error message for anything else."""
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{_where(path, node)}: {form}")
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise UserError(f"{_where(path, key)}: {form}")
        yield key.value, key, value


def _words(path: Path, node: yaml.Node, default: ClassWords) -> ClassWords:
    if isinstance(node, yaml.ScalarNode):
        noun = _text(path, node)
        return ClassWords(noun, noun)
    given = {}
    for part, key, value in _pairs(path, node, "a class is a noun, or {noun: …, name: …}"):
        if part not in ("noun", "name"):
            raise UnknownName(f"key in {_where(path, key)}:", part, ("noun", "name"))
        if part in given:
            raise UserError(f"{_where(path, key)}: '{part}' occurs twice; remove one")
        given[part] = _text(path, value)
    named = {"name": given["noun"]} if "noun" in given else {}
    return replace(default, **(named | given))


def _text(path: Path, node: yaml.Node) -> str:
    text = composed(" ".join(node.value.split())) if isinstance(node, yaml.ScalarNode) else ""
    if not text:
        raise UserError(f"{_where(path, node)}: a noun or a name must be one or more words")
    return text


def _require_unique(path: Path, words: dict[str, ClassWords], of: Callable[[ClassWords], str]) -> None:
    seen: dict[str, str] = {}
    for folder, own in words.items():
        if (other := seen.setdefault(of(own), folder)) != folder:
            raise UserError(f"{path}: class folders '{other}' and '{folder}' are both called '{of(own)}'; rename one")


def _where(path: Path, node: yaml.Node) -> str:
    return f"{path}, line {node.start_mark.line + 1}" if node.start_mark else str(path)
