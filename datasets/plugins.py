"""Plugins that are no part of the project: installed packages', and the user's files."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from traceback import extract_tb

from datasets.errors import UserError, reason_of
from datasets.seeding import fingerprint

GROUP = "diagen_bench"
"""Entry point group of packages that register methods, datasets or backbones when their module is imported."""

_sources: dict[str, bytes] = {}
"""Of the files that were loaded, by the names of their modules."""

_installed: dict[str, bytes] = {}
"""The same of the modules that installed packages name."""


def load_installed() -> None:
    """Import the plugins of installed packages; raises `UserError` for one that fails."""
    for point in entry_points(group=GROUP):
        try:
            point.load()
            _installed[point.module] = _content(point.module)
        except (Exception, SystemExit) as error:  # somebody else's code may raise anything
            raise UserError(f"plugin '{point.name}' ({point.value}) fails: {type(error).__name__}: {error}") from error


def load_file(path: Path) -> None:
    """Import a Python file, wherever it lies, unless its content was loaded before: a notebook's cell is run again.

    Raises:
        UserError: it is missing or fails.
    """
    if not path.is_file():
        raise UserError(f"plugin file {path} does not exist")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UserError(f"plugin file {path} cannot be read ({error.strerror})") from None
    name = f"{GROUP}_plugin_{hashlib.sha256(source).hexdigest()[:16]}"
    if name in _sources:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"plugin file {path} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        del sys.modules[name]
        text = str(error).strip().split("\n", 1)[0]
        raise UserError(f"plugin file {path} fails: {type(error).__name__}: {text}") from error
    _sources[name] = source


def source_of(plugin: object) -> bytes | None:
    """The content of the file in which a plugin is defined, as it was loaded; None where `load_file` loaded none."""
    return _sources.get(getattr(plugin, "__module__", ""))


def code_of(plugin: object) -> str:
    """A digest of the files in which a plugin, and whatever plugin it extends, is defined; empty for the project's own.

    Part of what results are kept under: an edited plugin makes other ones. What a file imports is not looked into.
    """
    parts = plugin.__mro__ if isinstance(plugin, type) else (plugin,)
    files = _sources | _installed
    modules = dict.fromkeys(getattr(part, "__module__", "") for part in parts)
    own = [files[name].hex() for name in modules if name in files]
    return fingerprint(own) if own else ""


@contextmanager
def told_in_a_line(title: str, plugin: object) -> Iterator[None]:
    """Within it a plugin's own code runs, which may raise anything: a line says what, and where in its file. What the
    project's own code raises is left as it is.

    Args:
        title: what the plugin is called: `method mine`.

    Raises:
        UserError: that line, or the plugin's own.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not code_of(plugin):
            raise
        file = _file(getattr(plugin, "__module__", ""))
        places = [f", line {frame.lineno}," for frame in extract_tb(error.__traceback__) if frame.filename == file]
        place = places[-1] if places else ""
        raise UserError(f"{title}: {file}{place} fails ({type(error).__name__}: {reason_of(error)})") from error


def _content(module: str) -> bytes:
    """Of a module's file; empty for one that has none that could be read."""
    file = _file(module)
    return Path(file).read_bytes() if file else b""


def _file(module: str) -> str | None:
    return getattr(sys.modules.get(module), "__file__", None)
