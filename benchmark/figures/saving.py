"""Figures as files: PNG for text documents, SVG for web pages, CSV for the numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.figures.base import Drawing, MissingRuns
from benchmark.figures.catalogue import FIGURES
from benchmark.figures.style import look, readable, write_notes
from benchmark.records import Table
from benchmark.selection import Group
from benchmark.table_formats import comma_separated
from datasets.errors import UnknownName, UserError
from datasets.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 200


@dataclass(frozen=True)
class Outcome:
    """What became of one figure.

    files: suffix (`png`, `svg`, `csv`) → path; empty if runs are missing.
    missing: one line that says which runs are missing and which command makes them; empty if the figure was drawn.
    """

    name: str
    title: str
    caption: str = ""
    notes: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    missing: str = ""


def save_figures(groups: Sequence[Group], folder: Path, names: Sequence[str] = ()) -> list[Outcome]:
    """Write the named figures (all, if no name is given) for which the groups have the runs.

    A figure's three files are `folder/NAME.png`, `.svg` and `.csv`. They are written whole or not at all. If a figure's
    runs are missing, files that an earlier call wrote for it are removed.

    Raises:
        UnknownName: a name is not that of a figure; nothing is drawn.
        UserError: `folder` cannot be written to.
    """
    for name in names:
        if name not in FIGURES:
            raise UnknownName("figure", name, FIGURES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_save(name, groups, folder) for name in names or FIGURES]
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write to {folder}: {reason}; name another folder with --out") from error


def render(drawing: Drawing) -> dict[str, bytes]:
    """The drawing as `png`, `svg` and `csv`; equal drawings give equal bytes."""
    write_notes(drawing.figure, drawing.notes)
    return {
        "png": _picture(drawing.figure, "png"),
        "svg": _picture(drawing.figure, "svg", {"Date": None, "Title": readable(drawing.caption, 1000)}),
        "csv": f"{_csv(drawing.data)}\n".encode(),
    }


def _picture(figure: Figure, kind: str, metadata: dict[str, str | None] | None = None) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return stream.getvalue()


def _save(name: str, groups: Sequence[Group], folder: Path) -> Outcome:
    plot = FIGURES[name]
    try:
        with look():
            drawing = plot.draw(groups)
            contents = render(drawing)
    except MissingRuns as error:
        for kind in ("png", "svg", "csv"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
        return Outcome(name, plot.title, missing=str(error))
    files = {kind: folder / f"{name}.{kind}" for kind in contents}
    with ExitStack() as written:  # all are written before the first is moved to its place
        for kind, path in files.items():
            written.enter_context(whole_file(path)).write(contents[kind])
    return Outcome(name, plot.title, drawing.caption, drawing.notes, files)


def _csv(data: Table) -> str:
    """The titles, then a line for each row."""
    return comma_separated(
        [list(data), *([_plain(value) for value in row] for row in zip(*data.values(), strict=True))]
    )


def _plain(value: object) -> object:
    """Floats with ten digits; unknown values (None, NaN) become empty."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return "" if value is None else value
