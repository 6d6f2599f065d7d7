"""The leaderboard and the scores of the images, as tables of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.leaderboard import Board, Row
from benchmark.report_page.content import Column, Line, Table, Value

ROW_FACTS = ("rank", "seconds", "images_per_second")
"""Columns that are not scores but facts about the whole row."""

SCORES = (
    Column("accuracy/test", "Test", "Mean per-class accuracy on the test set, in percent.", better="higher"),
    Column("accuracy/uncommon", "Uncommon", "The same on images in uncommon settings.", better="higher"),
    Column(
        "precision/class_mean", "Precision", "Share of synthetic images that lie among real ones, %.", better="higher"
    ),
    Column("recall/class_mean", "Recall", "Share of real images that lie among synthetic ones, %.", better="higher"),
    Column("rank", "Rank", "Mean rank over the cells (shots, seed) that all methods finished; 1 is the best.", 1.0),
    Column("seconds", "Seconds", "Time of a run; what was reused from the store took none.", 1.0, 0),
    Column("images_per_second", "Images/s", "Synthetic images generated per second.", 1.0),
)

IMAGES = (
    Column(
        "density/class_mean",
        "Density",
        "How many real neighbourhoods a synthetic image lies in, divided by their k.",
        1.0,
        2,
        "higher",
    ),
    Column("coverage/class_mean", "Coverage", "Share of real images with a synthetic one nearby, %.", better="higher"),
    Column(
        "frechet_distance/pooled",
        "Fréchet distance",
        "Distance between the features of real and of synthetic images.",
        1.0,
        1,
        "lower",
    ),
    Column("vendi_score/class_mean", "Vendi score", "Effective number of different images.", 1.0, 2, "higher"),
    Column(
        "near_copies/pooled",
        "Near-copies",
        "Share of synthetic images nearer to a training image than 95% of unseen real ones are, %.",
    ),
)


def tables(boards: Sequence[Board]) -> tuple[Table, ...]:
    """The leaderboard and, if any run has them, the scores of the images."""
    leaderboard = Table("leaderboard", "Leaderboard", *_columns_and_lines(SCORES, boards))
    columns, lines = _columns_and_lines(IMAGES, boards)
    measured = tuple(line for line in lines if any(value.mean is not None for value in line.values))
    images = Table("image-scores", "More about the images", columns, measured)
    return (leaderboard, images) if measured else (leaderboard,)


def _columns_and_lines(
    columns: Sequence[Column], boards: Sequence[Board]
) -> tuple[tuple[Column, ...], tuple[Line, ...]]:
    """The columns that have a value in some row, and all lines in the order of their boards."""
    rows = [row for board in boards for row in board.rows]
    known = tuple(column for column in columns if any(_value(row, column).mean is not None for row in rows))
    return known, tuple(line for board in boards for line in _board_lines(board, known))


def _board_lines(board: Board, columns: Sequence[Column]) -> list[Line]:
    followed = f"{board.preset} / {board.protocol}"
    lines = [
        Line(
            row.label,
            board.dataset,
            followed,
            board.shots,
            len(row.seeds),
            len(row.missing),
            tuple(_value(row, column) for column in columns),
        )
        for row in board.rows
    ]
    return _mark_best(lines, columns)


def _value(row: Row, column: Column) -> Value:
    """Mean and interval over seeds, or over test images if there is only one seed."""
    if column.metric in ROW_FACTS:
        fact: float | None = getattr(row, column.metric)
        return Value(None if fact is None else column.scale * fact, digits=column.digits)
    score = row.scores.get(column.metric)
    if score is None:
        return Value(None, digits=column.digits)
    over = "seeds" if score.over_seeds else "images"
    interval = score.over_seeds or score.over_images
    low, high = (column.scale * bound for bound in interval) if interval else (None, None)
    whole = len(score.values) == len(row.seeds) + len(row.missing)
    return Value(column.scale * score.mean, low, high, over, whole, column.digits)


def _mark_best(lines: Sequence[Line], columns: Sequence[Column]) -> list[Line]:
    """Mark the best of a column's values that lack no run: several if they tie, none if all are equal."""
    best = [_best([line.values[place] for line in lines], column) for place, column in enumerate(columns)]
    return [
        replace(
            line,
            values=tuple(
                replace(value, best=top is not None and value.whole and value.mean == top)
                for value, top in zip(line.values, best, strict=True)
            ),
        )
        for line in lines
    ]


def _best(values: Sequence[Value], column: Column) -> float | None:
    known = [value.mean for value in values if value.mean is not None]
    whole = [value.mean for value in values if value.mean is not None and value.whole]
    choose = {"higher": max, "lower": min}.get(column.better)
    return choose(whole) if choose and whole and len(set(known)) > 1 else None
