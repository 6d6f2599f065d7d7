"""classes.yaml: what the class folders of a user's own data are called in prompts and in tables.

    n02123045: tabby cat                                    # noun and name
    cell_phone: {noun: cell phone, name: Mobile phone}

`noun` stands in prompts, `name` in tables and figures. A folder that is not listed, and a part that is not given, keeps
what its folder's name says.
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
    """`noun`: as it stands in prompts; `name`: as people read it."""

    noun: str
    name: str


def read_class_list(path: Path, folders: Sequence[str]) -> tuple[ClassWords, ...]:
    """Each class folder's words, in the order of `folders`; those of its name where the file has none, or is missing.

    Raises:
        UnknownName: the file lists a class without a folder.
        UserError: the file is no YAML or not of the form above (with its line), or two classes have the same words.
    """
    words = {composed(folder): ClassWords(class_noun(folder), class_noun(folder)) for folder in folders}
    if path.is_file():
        for folder, node in _entries(path, words):
            words[folder] = _words(path, node, words[folder])
        _require_unique(path, words, lambda own: own.noun.casefold())
        _require_unique(path, words, lambda own: own.name)
    return tuple(words[composed(folder)] for folder in folders)


def _entries(path: Path, known: dict[str, ClassWords]) -> Iterator[tuple[str, yaml.Node]]:
    """(folder, node) of the file; nodes are read rather than values, since they know their lines and `no` is a word."""
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
    """(key's text, key, value) of a mapping."""
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
