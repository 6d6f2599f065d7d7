"""The leaderboard: a pure function of tracked cells, and four ways to write it down."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import mean, stdev
from typing import Any

from benchmark.records import Record, method_label
from benchmark.tracking import CLASSES, FINGERPRINT
from datasets.errors import UnknownName, UserError

Row = dict[str, Any]
"""`method`, `components`, `dataset`, `preset`, `protocol`, `shots`, `overrides`; `metrics`: name → mean, std, n."""

FORMATS = ("table", "markdown", "csv", "json")

CELL_TAGS = ("method", "components", "dataset", "preset", "protocol", "shots", FINGERPRINT, CLASSES, "seed")
"""What names a cell; of several runs of one cell the latest counts."""

COLUMNS = {
    "accuracy/test": "test",
    "accuracy/uncommon": "uncommon",
    "precision/class_mean": "precision",
    "recall/class_mean": "recall",
}
"""The metrics that a table shows, in percent; `csv` and `json` hold every metric."""


def leaderboard(cells: Iterable[Record]) -> list[Row]:
    """One row for each (method, components, dataset, preset, protocol, shots, settings), over its seeds.

    Rows are grouped by dataset, preset, protocol and shots; in a group the best `accuracy/uncommon` comes first
    (`accuracy/test` where there is no uncommon set).

    Raises:
        UserError: there is no finished cell.
    """
    latest: dict[tuple[str, ...], Record] = {}
    for cell in sorted(cells, key=lambda cell: cell.ended):
        latest[tuple(cell.tags.get(tag, "") for tag in CELL_TAGS)] = cell
    if not latest:
        raise UserError(
            "no finished run is tracked here: run `python -m benchmark run` first, or set MLFLOW_TRACKING_URI"
        )
    groups: dict[tuple[str, ...], list[Record]] = {}
    for key, cell in latest.items():
        groups.setdefault(key[:-1], []).append(cell)
    return sorted((_row(group) for group in groups.values()), key=_order)


def write(rows: Sequence[Row], style: str) -> str:
    """The rows as text in one of `FORMATS`; raises `UnknownName` for another."""
    check_format(style)
    return {"table": _table, "markdown": _markdown, "csv": _csv, "json": _json}[style](rows)


def check_format(style: str) -> None:
    """Refuse a format that is none of `FORMATS`, before the store is read."""
    if style not in FORMATS:
        raise UnknownName("format", style, FORMATS)


def _row(cells: Sequence[Record]) -> Row:
    tags = cells[0].tags
    names = sorted({name for cell in cells for name in cell.metrics})
    values = {name: [cell.metrics[name] for cell in cells if name in cell.metrics] for name in names}
    return {
        **{tag: tags.get(tag, "") for tag in ("method", "components", "dataset", "preset", "protocol")},
        "shots": int(tags["shots"]),
        "overrides": tags.get("overrides", ""),
        "metrics": {name: _summary(own) for name, own in values.items()},
    }


def _summary(values: Sequence[float]) -> dict[str, float | int | None]:
    """Mean and sample deviation; a single value has no deviation."""
    return {"mean": mean(values), "std": stdev(values) if len(values) > 1 else None, "n": len(values)}


def _order(row: Row) -> tuple[Any, ...]:
    metrics = row["metrics"]
    best = metrics.get("accuracy/uncommon") or metrics.get("accuracy/test") or {"mean": 0.0}
    return (*_group(row), -best["mean"], row["method"], row["components"], row["overrides"])


def _group(row: Row) -> tuple[Any, ...]:
    return row["dataset"], row["preset"], row["protocol"], row["shots"]


def _title(group: tuple[Any, ...], rows: Sequence[Row]) -> str:
    counts = sorted({summary["n"] for row in rows for summary in row["metrics"].values()})
    seeds = "–".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else "0"
    dataset, preset, protocol, shots = group
    followed = f"preset {preset}" + (f" · protocol {protocol}" if protocol not in ("", "paper") else "")
    return f"{dataset} · {followed} · {shots} shots · n = {seeds} seed{'s' * (seeds != '1')} · %"


def _cell(summary: dict[str, Any] | None) -> str:
    if summary is None:
        return "–"
    deviation = "" if summary["std"] is None else f" ± {100 * summary['std']:.1f}"
    return f"{100 * summary['mean']:.1f}{deviation}"


def _texts(rows: Iterable[Row]) -> list[list[str]]:
    return [[method_label(row), *(_cell(row["metrics"].get(metric)) for metric in COLUMNS)] for row in rows]


def _tables(rows: Sequence[Row]) -> list[tuple[str, list[list[str]]]]:
    groups = [(group, list(own)) for group, own in groupby(rows, key=_group)]
    return [(_title(group, own), _texts(own)) for group, own in groups]


def _table(rows: Sequence[Row]) -> str:
    return "\n\n".join(f"{title}\n{_aligned([['method', *COLUMNS.values()], *body])}" for title, body in _tables(rows))


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = [
        "  ".join(
            [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]
    return "\n".join([padded[0], "─" * len(padded[0]), *padded[1:]])


def _markdown(rows: Sequence[Row]) -> str:
    parts = []
    for title, body in _tables(rows):
        lines = [["method", *COLUMNS.values()], ["---", *["---:"] * len(COLUMNS)], *body]
        parts.append(f"**{title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def _csv(rows: Sequence[Row]) -> str:
    """Long form: a line for each row and metric."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    keys = ("method", "components", "dataset", "preset", "protocol", "shots", "overrides")
    writer.writerow([*keys, "metric", "mean", "std", "n"])
    for row in rows:
        for name, summary in row["metrics"].items():
            std = "" if summary["std"] is None else summary["std"]
            writer.writerow([*(row[key] for key in keys), name, summary["mean"], std, summary["n"]])
    return file.getvalue().rstrip("\n")


def _json(rows: Sequence[Row]) -> str:
    return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False)
