"""`report`: the tables, the figures and the page, made only from what was tracked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.selection import NO_RUNS, Group
from benchmark.text_file import write_text
from datasets.errors import UnknownName, UserError

SUFFIXES = {"markdown": "md", "latex": "tex", "csv": "csv"}


def check_request(groups: Sequence[Group], only: str = "") -> None:
    """Raise `UserError` for an unknown part, or if there is no finished run, before anything is written."""
    if only and only not in PARTS:
        raise UnknownName("part of the report", only, PARTS)
    if not groups:
        raise UserError(NO_RUNS)


def write_parts(groups: Sequence[Group], folder: Path, only: str = "") -> Iterator[Path | str]:
    """Write all of the report's parts into `folder`, or the one of `PARTS` that `only` names.

    Yields the path of each file as it is written, and a line of text for each thing whose runs are missing.

    Raises:
        UserError: only Table 1 is asked for and its runs are missing, or the folder cannot be written to.
    """
    if only:
        yield from PARTS[only](groups, folder)
        return
    from benchmark.table1 import NoTable

    for name, write in PARTS.items():
        try:
            yield from write(groups, folder)
        except NoTable as error:  # the other parts are still written
            yield f"{name}: {error}"


def _leaderboard(groups: Sequence[Group], folder: Path) -> Iterator[Path | str]:
    from benchmark.leaderboard import leaderboard
    from benchmark.leaderboard_formats import write

    boards = leaderboard(groups)
    for style, suffix in {**SUFFIXES, "json": "json"}.items():
        yield write_text(folder / f"leaderboard.{suffix}", f"{write(boards, style)}\n")


def _table1(groups: Sequence[Group], folder: Path) -> Iterator[Path | str]:
    from benchmark.table1 import table1, write_table1

    for name, over in (("table1", "class_mean"), ("table1_pooled", "pooled")):
        cells = table1(groups, over)
        for style, suffix in SUFFIXES.items():
            yield write_text(folder / f"{name}.{suffix}", f"{write_table1(cells, style)}\n")


def _figures(groups: Sequence[Group], folder: Path) -> Iterator[Path | str]:
    from benchmark.figures import save_figures

    for outcome in save_figures(groups, folder / "figures"):
        yield from outcome.files.values() if outcome.files else [outcome.missing]


def _page(groups: Sequence[Group], folder: Path) -> Iterator[Path | str]:
    from benchmark.report_page import write_report

    yield write_report(groups, folder)


PARTS: Mapping[str, Callable[[Sequence[Group], Path], Iterator[Path | str]]] = {
    "leaderboard": _leaderboard,
    "table1": _table1,
    "figures": _figures,
    "page": _page,
}
