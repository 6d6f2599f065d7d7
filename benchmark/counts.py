"""Tables of image counts by class and column that fit a terminal, however many classes and columns there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.table_formats import plain
from datasets.plurals import counted

Counts = Mapping[str, Mapping[str, int]]
"""Number of images by row (a class) and column (a split or a setting)."""

ROWS = 100
FEWEST = 30
"""Of more than `ROWS` classes, only these many with the fewest images are shown: images may be missing there."""
LONGEST_NAME = 40
"""Characters of a class name that are shown; longer names are cut off."""
COLUMNS = 12
"""Columns side by side; further ones follow in tables below."""


def counts_table(name: str, counts: Counts) -> str:
    """A table with a row and a sum for each class; the last row sums each column over all classes, shown or not."""
    total = sum(_sum(row) for row in counts.values())
    title = f"{name} · {counted(len(counts), 'class')} · {counted(total, 'image')}"
    shown = list(counts)
    if len(counts) > ROWS:
        shown = sorted(counts, key=lambda row: _sum(counts[row]))[:FEWEST]
        title += f" · the {FEWEST} classes with the fewest"
    columns = list(dict.fromkeys(column for row in counts.values() for column in row))
    blocks = [columns[at : at + COLUMNS] for at in range(0, len(columns), COLUMNS)] or [[]]
    tables = [_block(counts, shown, block, with_sum=block is blocks[-1]) for block in blocks]
    return "\n\n".join([f"{title}\n{tables[0]}", *tables[1:]])


def _block(counts: Counts, shown: Sequence[str], columns: Sequence[str], with_sum: bool) -> str:
    sums = {column: sum(row.get(column, 0) for row in counts.values()) for column in columns}
    rows = [("class", list(columns), "sum")]
    rows += [(_cut(name), _texts(counts[name], columns), str(_sum(counts[name]))) for name in shown]
    rows.append(("sum", _texts(sums, columns), str(sum(_sum(row) for row in counts.values()))))
    return plain([[name, *texts, *([last] if with_sum else [])] for name, texts, last in rows])


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _texts(row: Mapping[str, int], columns: Sequence[str]) -> list[str]:
    return [str(row.get(column, 0) or "–") for column in columns]


def _sum(row: Mapping[str, int]) -> int:
    return sum(row.values())
