"""The paper's Table 1: precision and recall by dataset and shots, the paper's own figures beside ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import yaml

from benchmark.records import Record, method_label
from benchmark.selection import Group
from benchmark.table_formats import Lines, comma_separated, latex, markdown, plain
from datasets.errors import UserError

METHODS = {"da_fusion": "DA-Fusion", "diagen": "DIAGen"}
METRICS = ("precision", "recall")
PAPER_SHOTS = (2, 4, 8)
PAPER_DATASETS = ("focus", "custom_coco", "coco")

FORMATS: Mapping[str, Callable[[Lines], str]] = {"table": plain, "markdown": markdown, "latex": latex}


@dataclass(frozen=True)
class Table1Cell:
    """One figure in [0, 1]: the mean over `n` seeds, its sample deviation (None for one seed), the paper's.

    `mean` is None where no run gives it, `paper` where the paper has no such figure.
    """

    dataset: str
    shots: int
    method: str
    metric: str
    mean: float | None
    deviation: float | None
    n: int
    paper: float | None


class NoTable(UserError):
    """The runs that are tracked make no Table 1."""


def table1(group_list: Iterable[Group], over: str) -> list[Table1Cell]:
    """Every cell of the table for the datasets that were run, the paper's three first; missing ones have no mean.

    Args:
        over: `class_mean` or `pooled`; the paper does not say which of the two it reports.

    Raises:
        NoTable: no run of DA-Fusion or DIAGen has precision and recall, or a dataset has groups of several presets
            or protocols, which must not be mixed.
    """
    groups = [group for group in group_list if any(_is_ours(record) for record in group.records)]
    if not groups:
        raise NoTable(
            "no run of da_fusion or diagen is tracked that has its own components and the preset's settings: "
            "make some with `sweep --methods da_fusion,diagen`"
        )
    names = [group.dataset for group in groups]
    if len(set(names)) < len(names):
        titles = "; ".join(group.title for group in groups)
        raise NoTable(f"Table 1 mixes no presets or protocols: choose one by --preset or --protocol among {titles}")
    order = {name: rank for rank, name in enumerate(PAPER_DATASETS)}
    groups.sort(key=lambda group: (order.get(group.registered, len(order)), group.dataset))
    return [
        _cell(group, shots, method, metric, over)
        for metric in METRICS
        for method in METHODS
        for group in groups
        for shots in _shots(group)
    ]


def write_table1(cells: Sequence[Table1Cell], style: str) -> str:
    """The table as text: `table`, `markdown` or `latex` in the paper's layout, `csv` with a line for each cell."""
    if style == "csv":
        names = ("dataset", "shots", "method", "metric", "mean", "deviation", "n", "paper")
        return comma_separated([names, *([getattr(cell, name) for name in names] for cell in cells)])
    columns = list(dict.fromkeys((cell.dataset, cell.shots) for cell in cells))
    by_place = {(cell.metric, cell.method, cell.dataset, cell.shots): cell for cell in cells}
    titles = ["ours ± deviation (paper), %", *(f"{dataset} k={shots}" for dataset, shots in columns)]
    rows = [
        [f"{title} {metric}", *(_text(by_place[metric, method, *column]) for column in columns)]
        for metric in METRICS
        for method, title in METHODS.items()
    ]
    return FORMATS[style]([titles, *rows])


def _cell(group: Group, shots: int, method: str, metric: str, over: str) -> Table1Cell:
    name = f"{metric}/{over}"
    own = [r.metrics for r in group.records if method_label(r.tags) == method and r.shots == shots]
    values = [metrics[name] for metrics in own if not math.isnan(metrics.get(name, math.nan))]
    return Table1Cell(
        dataset=group.dataset,
        shots=shots,
        method=method,
        metric=metric,
        mean=mean(values) if values else None,
        deviation=stdev(values) if len(values) > 1 else None,
        n=len(values),
        paper=_paper(method, metric, group.registered, shots),
    )


def _shots(group: Group) -> list[int]:
    """The shots that were run; the paper's own for its datasets, so that missing ones show."""
    own = {record.shots for record in group.records if _is_ours(record)}
    return sorted(own | set(PAPER_SHOTS if group.registered in PAPER_DATASETS else ()))


def _is_ours(record: Record) -> bool:
    return method_label(record.tags) in METHODS and any(name.startswith(METRICS) for name in record.metrics)


def _text(cell: Table1Cell) -> str:
    ours = "–" if cell.mean is None else f"{100 * cell.mean:.1f}"
    deviation = "" if cell.deviation is None else f" ± {100 * cell.deviation:.1f}"
    paper = "" if cell.paper is None else f" ({100 * cell.paper:.1f})"
    return f"{ours}{deviation}{paper}"


def _paper(method: str, metric: str, dataset: str, shots: int) -> float | None:
    figures = _figures()[method][metric].get(dataset)
    return figures[PAPER_SHOTS.index(shots)] / 100 if figures and shots in PAPER_SHOTS else None


@cache
def _figures() -> Any:
    path = Path(__file__).with_name("paper_table1.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
