"""Loads every plugin: the project's own, those of installed packages, and the user's files."""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path

from datasets.errors import UserError

GROUP = "diagen_bench"
"""Entry point group of packages that register methods, datasets or backbones when their module is imported."""


def load_plugins(files: str = "") -> None:
    """Fill the registries; `files` are paths of Python files, separated by commas.

    Raises:
        UserError: a file that is missing or fails while it is imported.
    """
    import datasets  # noqa: F401
    import evaluation.backbones  # noqa: F401
    import methods  # noqa: F401

    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # somebody else's code may raise anything
            raise UserError(f"plugin '{point.name}' ({point.value}) fails: {type(error).__name__}: {error}") from error
    for name in filter(None, (part.strip() for part in files.split(","))):
        _load_file(Path(name))


def _load_file(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"plugin file {path} does not exist")
    name = f"diagen_bench_plugin_{path.stem}"
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
