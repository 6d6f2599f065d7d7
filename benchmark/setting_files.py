"""Presets and protocols: YAML files of settings."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from datasets.base import DATASETS
from datasets.errors import NOT_PARSED, UnknownName, UserError, reason_of
from datasets.home import path_of
from datasets.seeding import fingerprint

PRESETS = Path(__file__).parent / "presets"
PROTOCOLS = Path(__file__).parent / "protocols"

_SWEEP = "sweep"
"""The section of a preset that says what `python -m benchmark sweep` runs if its options do not."""
_SWEEP_OPTIONS = ("datasets", "shots")

_TYPO = 0.8
"""Similarity from which an unknown name is taken for a misspelled known one."""


class _NoDuplicates(yaml.SafeLoader):
    """A YAML loader that refuses a name given twice; YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' occurs twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_preset(name: str) -> dict[str, Any]:
    """The settings of a preset: one of `benchmark/presets`, or the path of a YAML file.

    Raises:
        UserError: no such preset, or the file is not a YAML mapping.
    """
    return _without_grid(_load("preset", PRESETS, name))


def preset_grid(name: str) -> dict[str, str]:
    """What `sweep` runs under a preset if its options do not say: the option texts that the preset gives.

    Raises:
        UserError: no such preset, or its `sweep` section is not a mapping of lists of datasets and shots.
    """
    grid = _load("preset", PRESETS, name).get(_SWEEP) or {}
    if not (isinstance(grid, dict) and all(isinstance(values, list) for values in grid.values())):
        raise UserError(f"preset '{name}': write '{_SWEEP}' like this: {_SWEEP}: {{datasets: [focus], shots: [2, 4]}}")
    for option in grid:
        if option not in _SWEEP_OPTIONS:
            raise UserError(f"preset '{name}': {UnknownName(f'option of {_SWEEP}', str(option), _SWEEP_OPTIONS)}")
    return {option: ",".join(map(str, values)) for option, values in grid.items()}


def load_protocol(name: str) -> dict[str, Any]:
    """The settings of a protocol: one of `benchmark/protocols`, or the path of a YAML file; raises `UserError`."""
    return _load("protocol", PROTOCOLS, name)


def preset_settings(name: str, dataset: str) -> list[dict[str, Any]]:
    """What a preset sets for a dataset: its general settings, then those under `datasets: {<name>: …}` for it alone."""
    return _for_dataset("preset", name, load_preset(name), dataset)


def protocol_settings(name: str, dataset: str) -> list[dict[str, Any]]:
    """What a protocol sets for a dataset, in the form of `preset_settings`."""
    return _for_dataset("protocol", name, load_protocol(name), dataset)


def preset_identity(name: str) -> str:
    """What distinguishes a preset's runs from others.

    This is the name, if it is one of `benchmark/presets`. For a user's file it is the file's name and a fingerprint of
    its settings, however its path is written. Any other name is returned as it is.
    """
    return _identity("preset", PRESETS, name)


def protocol_identity(name: str) -> str:
    """What distinguishes a protocol's runs from others, in the form of `preset_identity`."""
    return _identity("protocol", PROTOCOLS, name)


def preset_names() -> list[str]:
    return _stems(PRESETS)


def protocol_names() -> list[str]:
    return _stems(PROTOCOLS)


def _path(folder: Path, name: str) -> Path:
    return path_of(name if name.endswith((".yaml", ".yml")) else str(folder / f"{name}.yaml"))


def _identity(kind: str, folder: Path, name: str) -> str:
    path = _path(folder, name)
    if not path.is_file():
        return name
    if path.resolve().parent == folder.resolve():
        return path.resolve().stem
    # Parsed and written with sorted keys, so comments and the order of settings change nothing.
    content = yaml.safe_dump(_without_grid(_load(kind, folder, name)))
    return f"{path.stem} ({fingerprint(kind, content)[:6]})"


def _load(kind: str, folder: Path, name: str) -> dict[str, Any]:
    path = _path(folder, name)
    if not path.is_file() and path.name == name.rpartition("/")[2]:
        raise UserError(f"{kind} '{name}': no such file")
    if not path.is_file():
        raise UnknownName(kind, name, _stems(folder))
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _NoDuplicates) or {}
    except OSError as error:
        raise UserError(f"{kind} '{name}' cannot be read ({error.strerror})") from None
    except NOT_PARSED as error:
        raise UserError(f"{kind} '{name}' is not valid YAML: {reason_of(error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"{kind} '{name}' must be a mapping of settings, not a {type(content).__name__}")
    return content


def _without_grid(content: dict[str, Any]) -> dict[str, Any]:
    """The settings without the `sweep` section, which does not affect any single run."""
    return {name: value for name, value in content.items() if name != _SWEEP}


def _for_dataset(kind: str, name: str, content: dict[str, Any], dataset: str) -> list[dict[str, Any]]:
    by_dataset = content.pop("datasets", None) or {}
    if not isinstance(by_dataset, dict):
        raise UserError(f"{kind} '{name}': 'datasets' must map a dataset's name to its settings")
    for key, part in by_dataset.items():
        # A name that resembles no dataset's may belong to a plugin that this run does not load.
        if key not in DATASETS and get_close_matches(str(key), list(DATASETS), cutoff=_TYPO):
            raise UserError(f"{kind} '{name}': {UnknownName('dataset', str(key), list(DATASETS))}")
        if not isinstance(part or {}, dict):
            raise UserError(f"{kind} '{name}': 'datasets: {key}' must be a mapping of settings")
    return [content, by_dataset.get(dataset) or {}]


def _stems(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))
