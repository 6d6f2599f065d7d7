"""Formats of leaderboards: for a terminal, a page, a paper, a spreadsheet or a program."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from statistics import stdev

from benchmark.comparison import Comparison
from benchmark.leaderboard import PRECISION, RECALL, TEST_SETS, Board, Row, Score
from benchmark.leaderboard_words import NO_SPREAD, clean, legend, pairs, pairs_title, remarks
from benchmark.table_formats import comma_separated, escape_latex, escape_markdown, latex, markdown, plain
from datasets.errors import UnknownName

SCORES = {PRECISION: "precision", RECALL: "recall"}
"""The metrics besides accuracy that tables show, in percent; `csv` and `json` contain every metric."""

TITLES = ("method", *TEST_SETS.values(), *SCORES.values(), "rank", "seeds", "time", "images/s")
MISSING = "–"
WIDTH = 120
LONGEST_LABEL = 40
"""`WIDTH` and `LONGEST_LABEL`: the most columns in a line of text and in a method's name; longer ones are wrapped."""


def check_format(style: str) -> None:
    """Refuse a format that is not in `FORMATS`, before any run is read."""
    if style not in FORMATS:
        raise UnknownName("format", style, FORMATS)


def write(boards: Sequence[Board], style: str) -> str:
    """The boards as text in one of `FORMATS`; raises `UnknownName` for any other format."""
    check_format(style)
    return FORMATS[style](boards)


def _table(boards: Sequence[Board]) -> str:
    parts: list[str] = []
    for own in _groups(boards):
        parts += map(_plain_table, own)
        parts.append(_filled([pairs_title(own), *(f"- {line}" for line in pairs(own))]) if pairs(own) else "")
    return _paragraphs([*parts, _filled(legend(boards))])


def _plain_table(board: Board) -> str:
    below = _filled(remarks(board))
    return f"{clean(board.title)} · %\n{plain(_wrapped(_lines(board)))}\n{below}"


def _markdown(boards: Sequence[Board]) -> str:
    parts: list[str] = []
    for own in _groups(boards):
        for board in own:
            title = f"**{escape_markdown(clean(board.title))} · %**"
            parts += [title, markdown(_lines(board)), _listed(remarks(board))]
        parts += [escape_markdown(pairs_title(own)), _listed(pairs(own))] if pairs(own) else []
    return _paragraphs([*parts, _listed(legend(boards))])


def _latex(boards: Sequence[Board]) -> str:
    """A `table` environment with a caption for each board; it needs the package booktabs."""
    parts = [r"% \usepackage{booktabs}"]
    for own in _groups(boards):
        for board in own:
            compared = [pairs_title(own), *pairs(own)] if board is own[-1] and pairs(own) else []
            parts.append(_latex_table(board, [*remarks(board), *compared, *legend([board])]))
    return _paragraphs(parts)


def _latex_table(board: Board, below: Iterable[str]) -> str:
    caption = rf"\caption{{{escape_latex(clean(board.title))} · \%}}"
    notes = [rf"\par\footnotesize {escape_latex(line)}" for line in below]
    return "\n".join([r"\begin{table}", r"\centering", caption, latex(_lines(board)), *notes, r"\end{table}"])


def _csv(boards: Sequence[Board]) -> str:
    """Long form: a line for each row and metric. A row without a finished run has a single line without a metric."""
    titles = ["dataset", "preset", "protocol", "shots", "method", "seeds", "missing_seeds", "rank", "seconds"]
    figures = ["metric", "mean", "n", "seeds_lower", "seeds_upper", "images_lower", "images_upper"]
    lines: list[Sequence[object]] = [[*titles, *figures]]
    for board in boards:
        for row in board.rows:
            place = [board.dataset, board.preset, board.protocol, board.shots, row.label]
            own = [*place, _numbers(row.seeds), _numbers(row.missing), row.rank, row.seconds]
            scores = [[name, *_figures(score)] for name, score in row.scores.items()]
            lines += [[*own, *score] for score in scores or [[None] * len(figures)]]
    return comma_separated(lines)


def _figures(score: Score) -> list[object]:
    return [score.mean, len(score.values), *(score.over_seeds or (None, None)), *(score.over_images or (None, None))]


def _json(boards: Sequence[Board]) -> str:
    """A list of rows with all that is known about each; undefined numbers, such as a missing p value, are null."""
    rows = [_plain(board, row) for board in boards for row in board.rows]
    return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False)


def _plain(board: Board, row: Row) -> dict[str, object]:
    place = {
        name: getattr(board, name)
        for name in ("dataset", "preset", "protocol", "shots", "ranked_by", "notes", "over_datasets")
    }
    facts = {name: value for name, value in vars(row).items() if name != "scores"}
    metrics = {
        name: {
            "mean": score.mean,
            "std": stdev(score.values.values()) if len(score.values) > 1 else None,
            "n": len(score.values),
            "interval_over_seeds": score.over_seeds,
            "interval_over_images": score.over_images,
            "values": score.values,
        }
        for name, score in row.scores.items()
    }
    own = [_comparison(pair) for pair in board.comparisons if row.label in (pair.first, pair.second)]
    return {**place, **facts, "metrics": metrics, "comparisons": own}


def _comparison(comparison: Comparison) -> dict[str, object]:
    told = {name: getattr(comparison, name) for name in ("cells", "significant", "verdict")}
    values = {**asdict(comparison), **told}
    return {name: None if value != value else value for name, value in values.items()}


def _groups(boards: Sequence[Board]) -> list[list[Board]]:
    return [list(own) for _, own in groupby(boards, key=lambda board: board.key)]


def _lines(board: Board) -> list[list[str]]:
    return [list(TITLES), *(_line(row) for row in board.rows)]


def _line(row: Row) -> list[str]:
    expected = len(row.seeds) + len(row.missing)
    return [
        clean(row.label),
        *(_with_interval(row.scores[name]) if name in row.scores else MISSING for name in TEST_SETS),
        *(f"{100 * row.scores[name].mean:.1f}" if name in row.scores else MISSING for name in SCORES),
        MISSING if row.rank is None else f"{row.rank:.2f}",
        f"{len(row.seeds)} of {expected}" if row.missing else str(expected),
        MISSING if row.seconds is None else _time(row.seconds),
        MISSING if row.images_per_second is None else f"{row.images_per_second:.1f}",
    ]


def _with_interval(score: Score) -> str:
    """The mean with its interval over seeds; if there is none, with that over test images and the mark `NO_SPREAD`."""
    interval = score.over_seeds or score.over_images
    bounds = f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]" if interval else ""
    return f"{100 * score.mean:.1f}{bounds}{'' if score.over_seeds else NO_SPREAD}"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _numbers(seeds: Iterable[int]) -> str:
    return " ".join(map(str, seeds))


def _filled(lines: Iterable[str]) -> str:
    """The lines wrapped to the terminal's width, with continuation lines indented."""
    return "\n".join(part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  "))


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _paragraphs(parts: Iterable[str]) -> str:
    return "\n\n".join(part.rstrip("\n") for part in parts if part)


def _wrapped(lines: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The table's lines, with a name that is too long for its column continued on extra lines."""
    wrapped: list[Sequence[str]] = []
    for name, *figures in lines:
        first, *others = textwrap.wrap(name, LONGEST_LABEL, subsequent_indent="  ", break_on_hyphens=False) or [""]
        wrapped += [[first, *figures], *([other, *[""] * len(figures)] for other in others)]
    return wrapped


FORMATS: Mapping[str, Callable[[Sequence[Board]], str]] = {
    "table": _table,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}
