"""The paper's Table 1: precision and recall by dataset and shots, with the paper's own figures beside ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import yaml

from benchmark.records import Record, as_text, method_label, overrides, tested_on
from benchmark.run_command import command_for
from benchmark.selection import Group, standing_for_methods
from benchmark.table_formats import Lines, comma_separated, escape_latex, escape_markdown, latex, markdown, plain
from datasets.errors import UserError
from datasets.grouping import grouped

METHODS = {"da_fusion": "DA-Fusion", "diagen": "DIAGen"}
METRICS = ("precision", "recall")
PAPER_SHOTS = (2, 4, 8)
PAPER_DATASETS = ("focus", "custom_coco", "coco")

REAL_SET = "features.real_set"

FORMATS: Mapping[str, Callable[[Lines], str]] = {"table": plain, "markdown": markdown, "latex": latex}
NOTES: Mapping[str, Callable[[str], str]] = {
    "table": str,
    "markdown": lambda line: f"- {escape_markdown(line)}",
    "latex": lambda line: rf"\par{{\footnotesize {escape_latex(line)}\par}}",
}


@dataclass(frozen=True)
class Table1Cell:
    """One figure in [0, 1]: the mean over `n` seeds, its sample deviation (None for one seed), and the paper's figure.

    `mean` is None if no run gives it, and `paper` is None if the paper has no such figure. `real_set` names the test
    sets that the synthetic images were measured against: `test and uncommon`. `settings` are those in which the
    method's runs differ from the preset: `prompts.source=template`.
    """

    dataset: str
    real_set: str
    shots: int
    method: str
    metric: str
    mean: float | None
    deviation: float | None
    n: int
    paper: float | None
    settings: str


class NoTable(UserError):
    """The tracked runs do not make a Table 1."""


def table1(group_list: Iterable[Group], over: str) -> list[Table1Cell]:
    """Every cell of the table for the datasets that were run, the paper's three first; cells without runs have no mean.

    A dataset whose images were measured against several real sets has cells for each of them.

    Args:
        over: `class_mean` or `pooled`; the paper does not say which of the two it reports.

    Raises:
        NoTable: no run of DA-Fusion or DIAGen has precision and recall, or a dataset has groups of several presets or
            protocols, which must not be mixed.
    """
    tracked = list(group_list)
    groups = [group for group in tracked if _ours(group)]
    if not groups:
        raise NoTable(
            "no run of da_fusion or diagen with all its components is tracked: "
            f"`{command_for(tracked, 'sweep --methods da_fusion,diagen')}` makes some"
        )
    names = [group.dataset for group in groups]
    if len(set(names)) < len(names):
        titles = "; ".join(group.title for group in groups)
        raise NoTable(f"Table 1 cannot mix presets or protocols: choose with --preset or --protocol among {titles}")
    order = {name: rank for rank, name in enumerate(PAPER_DATASETS)}
    groups.sort(key=lambda group: (order.get(group.registered, len(order)), group.dataset))
    return [
        _cell(group, real_set, shots, method, metric, over)
        for metric in METRICS
        for method in METHODS
        for group in groups
        for real_set in _real_sets(group)
        for shots in _shots(group, real_set)
    ]


def write_table1(cells: Sequence[Table1Cell], style: str) -> str:
    """The table as text: `table`, `markdown` or `latex` in the paper's layout, or `csv` with a line for each cell.

    Notes below the paper's layout say which real sets the figures are for, and which settings differ from the preset's.
    """
    if style == "csv":
        names = ("dataset", "real_set", "shots", "method", "metric", "mean", "deviation", "n", "paper", "settings")
        return comma_separated([names, *([getattr(cell, name) for name in names] for cell in cells)])
    columns = list(dict.fromkeys((cell.dataset, cell.real_set, cell.shots) for cell in cells))
    by_place = {(cell.metric, cell.method, cell.dataset, cell.real_set, cell.shots): cell for cell in cells}
    titles = ["ours ± deviation (paper), %", *_column_titles(columns)]
    rows = [
        [f"{title} {metric}", *(_text(by_place[metric, method, *column]) for column in columns)]
        for metric in METRICS
        for method, title in METHODS.items()
    ]
    return "\n\n".join([FORMATS[style]([titles, *rows]), "\n".join(map(NOTES[style], _notes(cells)))])


def _column_titles(columns: Sequence[tuple[str, str, int]]) -> list[str]:
    """Titles of the columns (dataset, real set, shots); the real set is named only if the dataset has several."""
    real_sets = {dataset: {real_set for name, real_set, _ in columns if name == dataset} for dataset, _, _ in columns}
    return [
        f"{dataset} k={shots}{f', {real_set}' if len(real_sets[dataset]) > 1 else ''}"
        for dataset, real_set, shots in columns
    ]


def _notes(cells: Sequence[Table1Cell]) -> list[str]:
    """A line for each real set that figures were measured against, then a line for each change of settings."""
    measured = [_note(real_set, own) for real_set, own in grouped(cells, lambda cell: cell.real_set).items()]
    changed = dict.fromkeys((cell.dataset, cell.method, cell.settings) for cell in cells if cell.settings)
    return [*measured, *(f"{METHODS[method]} on {dataset}: {settings}" for dataset, method, settings in changed)]


def _note(real_set: str, cells: Sequence[Table1Cell]) -> str:
    doubt = ""
    if " and " in real_set and any(cell.paper is not None for cell in cells):
        doubt = f"; the paper's figures may be against test alone, as --set {REAL_SET}=test measures them"
    datasets = ", ".join(dict.fromkeys(cell.dataset for cell in cells))
    return f"{datasets}: measured against the real images of {real_set}{doubt}"


def _cell(group: Group, real_set: str, shots: int, method: str, metric: str, over: str) -> Table1Cell:
    name = f"{metric}/{over}"
    of_method = [record for record in _ours(group) if record.tags["method"] == method]
    own = [record for record in of_method if _real_set(record) == real_set and record.shots == shots]
    # By seed: for a dataset with one test set, runs with either choice of the real set have the same figure.
    by_seed = {r.seed: r.metrics[name] for r in own if not math.isnan(r.metrics.get(name, math.nan))}
    values = list(by_seed.values())
    return Table1Cell(
        dataset=group.dataset,
        real_set=real_set,
        shots=shots,
        method=method,
        metric=metric,
        mean=mean(values) if values else None,
        deviation=stdev(values) if len(values) > 1 else None,
        n=len(values),
        paper=_paper(method, metric, group.registered, shots),
        settings=as_text(_settings(of_method[0])) if of_method else "",
    )


def _ours(group: Group) -> list[Record]:
    """The runs that stand for the two methods: of each method those of one label, whose settings the notes state."""
    standing = [record for record in standing_for_methods(group.records, _label) if _is_measured(record)]
    return [
        record
        for method in METHODS
        for record in _most([record for record in standing if record.tags["method"] == method])
    ]


def _most(records: Sequence[Record]) -> list[Record]:
    """The runs of the label that changes the fewest of the method's own settings; in a tie, that with most runs."""

    def rank(own: Sequence[Record]) -> tuple[int, int]:
        hyperparameters = [name for name in _settings(own[0]) if name.startswith(f"{own[0].tags['method']}.")]
        return -len(hyperparameters), len(own)

    return max(grouped(records, _label).values(), key=rank, default=[])


def _real_sets(group: Group) -> list[str]:
    return list(dict.fromkeys(map(_real_set, _ours(group))))


def _real_set(record: Record) -> str:
    """The test sets that the record's images were measured against; in earlier releases always all of them."""
    tests = tested_on([record])
    return "test" if record.parameters.get(REAL_SET) == "test" and "test" in tests else " and ".join(tests)


def _label(record: Record) -> str:
    """The method's label, regardless of the real set that its images were measured against."""
    return method_label({**record.tags, "overrides": as_text(_settings(record))})


def _settings(record: Record) -> dict[str, str]:
    """The settings in which the record's run differs from the preset, except the real set."""
    return {name: value for name, value in overrides(record.tags).items() if name != REAL_SET}


def _shots(group: Group, real_set: str) -> list[int]:
    """The shots that were run; for the paper's datasets also the paper's own, so that missing ones show."""
    own = {record.shots for record in _ours(group) if _real_set(record) == real_set}
    return sorted(own | set(PAPER_SHOTS if group.registered in PAPER_DATASETS else ()))


def _is_measured(record: Record) -> bool:
    return record.tags["method"] in METHODS and any(name.startswith(METRICS) for name in record.metrics)


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
