"""`report`: the tables, the figures and the page, made of what was tracked alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.selection import NO_RUNS, Group
from datasets.errors import UnknownName, UserError

SUFFIXES = {"markdown": "md", "latex": "tex", "csv": "csv"}


def check_request(groups: Sequence[Group], only: str = "") -> None:
    """Raise `UserError` for an unknown part, or where there is no finished run, before anything is written."""
    if only and only not in PARTS:
        raise UnknownName("part of the report", only, PARTS)
    if not groups:
        raise UserError(NO_RUNS)


def write_parts(groups: Sequence[Group], folder: Path, only: str = "") -> Iterator[str]:
    """Write the report's parts into `folder`, or `only` one of `PARTS`; a line for each file or for what is missing.

    Raises:
        UserError: the runs of the only part that is asked for are missing, or the folder cannot be written to.
    """
    if only:
        yield from PARTS[only](groups, folder)
        return
    for name, write in PARTS.items():
        try:
            yield from write(groups, folder)
        except UserError as error:  # one part's missing runs do not keep the others from being written
            yield f"{name}: {error}"


def _leaderboard(groups: Sequence[Group], folder: Path) -> Iterator[str]:
    from benchmark.leaderboard import leaderboard
    from benchmark.leaderboard_formats import write

    boards = leaderboard(groups)
    for style, suffix in {**SUFFIXES, "json": "json"}.items():
        yield _write(folder / f"leaderboard.{suffix}", write(boards, style))


def _table1(groups: Sequence[Group], folder: Path) -> Iterator[str]:
    from benchmark.table1 import table1, write_table1

    cells = table1(groups)
    for style, suffix in SUFFIXES.items():
        yield _write(folder / f"table1.{suffix}", write_table1(cells, style))


def _figures(groups: Sequence[Group], folder: Path) -> Iterator[str]:
    from benchmark.figures import save_group_figures

    for outcome in save_group_figures(groups, folder / "figures"):
        yield from map(str, outcome.files.values()) if outcome.files else [outcome.missing]


def _page(groups: Sequence[Group], folder: Path) -> Iterator[str]:
    from benchmark.report_page import write_report

    yield str(write_report(groups, folder))


PARTS: Mapping[str, Callable[[Sequence[Group], Path], Iterator[str]]] = {
    "leaderboard": _leaderboard,
    "table1": _table1,
    "figures": _figures,
    "page": _page,
}


def _write(path: Path, text: str) -> str:
    """Write a whole file or none; the path, as a line to show."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            whole = Path(folder) / path.name
            whole.write_text(f"{text}\n", encoding="utf-8")
            whole.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); give another folder by --out") from error
    return str(path)
