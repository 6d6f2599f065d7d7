"""Loading of plugins from outside the project: from installed packages and from the user's files."""

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
"""Content of the files that were loaded, by module name."""

_installed: dict[str, bytes] = {}
"""The same for the modules that installed packages name as plugins."""


def load_installed() -> None:
    """Import the plugins of installed packages; raises `UserError` for one that fails."""
    for point in entry_points(group=GROUP):
        try:
            point.load()
            _installed[point.module] = _content(point.module)
        except (Exception, SystemExit) as error:  # somebody else's code may raise anything
            raise UserError(f"plugin '{point.name}' ({point.value}) fails: {type(error).__name__}: {error}") from error


def load_file(path: Path) -> None:
    """Import a Python file from any folder, unless its content was loaded before (a notebook's cell may be run again).

    Raises:
        UserError: the file is missing, cannot be read, is no .py file, or fails.
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
    """The content of the file that defines a plugin, as it was loaded; None if `load_file` did not load it."""
    return _sources.get(getattr(plugin, "__module__", ""))


def code_of(plugin: object) -> str:
    """A digest of the files that define a plugin and the plugins it extends; empty for the project's own.

    It is part of the key of stored results, as an edited plugin gives other results. Imports of the files do not count.
    """
    parts = plugin.__mro__ if isinstance(plugin, type) else (plugin,)
    files = _sources | _installed
    modules = dict.fromkeys(getattr(part, "__module__", "") for part in parts)
    own = [files[name].hex() for name in modules if name in files]
    return fingerprint(own) if own else ""


@contextmanager
def told_in_a_line(title: str, plugin: object) -> Iterator[None]:
    """Turn any error of a plugin's own code into one line that says what failed, and where in its file.

    Errors of the project's own plugins are left as they are.

    Args:
        title: what the message calls the plugin, such as `method mine`.

    Raises:
        UserError: that line, or the `UserError` that the plugin raised itself.
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
    """The content of a module's file; empty if the module has no file."""
    file = _file(module)
    return Path(file).read_bytes() if file else b""


def _file(module: str) -> str | None:
    return getattr(sys.modules.get(module), "__file__", None)
