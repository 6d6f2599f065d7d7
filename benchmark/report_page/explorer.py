"""The images of the runs, to be viewed by class and guide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.records import Record, Table, method_label
from benchmark.report_page.content import Gallery, Sheet
from benchmark.report_page.figures import data_uri
from benchmark.selection import Group
from benchmark.thumbnails import SHEET, TABLE, has_thumbnails
from datasets.plurals import counted

FACTS = ("kind", "class", "guide", "prompt", "noise_std", "strength", "guidance_scale", "weight")

MOST_SHEETS = 24
MOST_BYTES = 9_000_000
"""Limit for all sheets together; in a page they take a third more."""


def gallery(groups: Sequence[Group]) -> Gallery:
    """The sheets that fit, starting with the first seed and fewest shots of all methods, for comparison."""
    found = [(group, record) for group in groups for record in group.records if has_thumbnails(record)]
    chosen: list[tuple[Group, Record]] = []
    size = 0
    for group, record in sorted(found, key=lambda pair: (pair[1].seed, pair[1].shots)):
        more = len(record.files[SHEET])
        if len(chosen) < MOST_SHEETS and size + more <= MOST_BYTES:
            chosen.append((group, record))
            size += more
    shown = tuple(_sheet(group, record) for group, record in sorted(chosen, key=_order))
    return Gallery(shown, _left_out(len(found) - len(shown)))


def _order(pair: tuple[Group, Record]) -> tuple[Any, ...]:
    group, record = pair
    return group.title, method_label(record.tags), record.shots, record.seed


def _sheet(group: Group, record: Record) -> Sheet:
    title = f"{method_label(record.tags)} · {counted(record.shots, 'shot')} · seed {record.seed}"
    return Sheet(group.title, title, data_uri(record.files[SHEET], "webp"), _facts(record.tables[TABLE]))


def _facts(table: Table) -> Mapping[str, Any]:
    """The columns in the order of the tiles; NaN and infinite numbers become None."""
    count = len(table["tile"])
    order = sorted(range(count), key=lambda place: table["tile"][place])
    return {name: [_plain(table.get(name, [None] * count)[place]) for place in order] for name in FACTS}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _left_out(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    limit = f"{MOST_SHEETS} runs or {MOST_BYTES / 1e6:.0f} MB of images"
    runs = counted(count, "run")
    return (f"The images of {runs} are left out to keep the page small: it holds at most {limit}.",)
