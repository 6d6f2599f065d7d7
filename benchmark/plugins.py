"""Loading of all plugins: the project's own, those of installed packages, and the user's files."""

from __future__ import annotations

from benchmark.setting_checks import parts_of
from datasets.home import path_of
from datasets.plugins import load_file, load_installed


def load_plugins(files: str = "") -> None:
    """Fill the registries; `files` are paths of Python files, separated by commas.

    Raises:
        UserError: a file is missing or fails when it is imported.
    """
    import datasets  # noqa: F401
    import evaluation.backbones  # noqa: F401
    import methods  # noqa: F401

    load_installed()
    for path in {path.resolve(): path for path in map(path_of, parts_of(files))}.values():  # one may be given twice
        load_file(path)
