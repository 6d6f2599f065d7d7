"""Plugins that are no part of the project: installed packages', and the user's files."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path

from datasets.errors import UserError

GROUP = "diagen_bench"
"""Entry point group of packages that register methods, datasets or backbones when their module is imported."""

_sources: dict[str, bytes] = {}
"""Of the files that were loaded, by the names of their modules."""


def load_installed() -> None:
    """Import the plugins of installed packages; raises `UserError` for one that fails."""
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # somebody else's code may raise anything
            raise UserError(f"plugin '{point.name}' ({point.value}) fails: {type(error).__name__}: {error}") from error


def load_file(path: Path) -> None:
    """Import a Python file, wherever it lies; raises `UserError` where it is missing or fails."""
    if not path.is_file():
        raise UserError(f"plugin file {path} does not exist")
    source = path.read_bytes()
    name = f"{GROUP}_plugin_{hashlib.sha256(source).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"plugin file {path} is no Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's code may raise anything
        del sys.modules[name]
        text = str(error).strip().split("\n", 1)[0]
        raise UserError(f"plugin file {path} fails: {type(error).__name__}: {text}") from error
    _sources[name] = source


def source_of(plugin: object) -> bytes | None:
    """The content of the file in which a plugin is defined, as it was loaded; None where `load_file` loaded none."""
    return _sources.get(getattr(plugin, "__module__", ""))
