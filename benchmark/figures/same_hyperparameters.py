"""DA-Fusion and DIAGen with the same hyper-parameters (the paper's Figure 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.figures.accuracy import shots_line
from benchmark.figures.base import Drawing, MissingRuns, group_name, group_notes
from benchmark.figures.panels import Panel, draw_lines, line_notes, panel_columns, ranks
from benchmark.figures.runs import overrides, tested_on
from benchmark.figures.style import styles
from benchmark.records import Record
from benchmark.selection import Group
from methods.base import METHODS

COMMAND = "ablation --what same_hyperparameters"
SHARED = {"strength": "strength", "guidance_scale": "guidance", "synthetic_probability": "α"}
PAIR = ("da_fusion", "diagen")

Values = tuple[float, ...]


def draw_same_hyperparameters(groups: Sequence[Group]) -> Drawing:
    """Accuracy against shots of both methods, a panel for each dataset, test set and choice of the `SHARED` values.

    Raises:
        MissingRuns: nowhere do both methods have runs with the same values and no other override.
    """
    panels = [panel for group in groups for panel in _panels(group, group_name(group, groups))]
    if not panels:
        raise MissingRuns("DA-Fusion and DIAGen have no runs with the same hyper-parameters", COMMAND)
    figure = draw_lines(panels, styles(PAIR), "real images per class k", ranks)
    caption = "Accuracy of DA-Fusion and DIAGen with the same strength, guidance scale and synthetic probability α."
    words = [panel.title.split("\n")[1] for panel in panels for _ in panel.points]
    data = {**panel_columns(panels), "hyper_parameters": words}
    return Drawing(figure, caption, data, (*line_notes(panels), *group_notes(groups)))


def _panels(group: Group, name: str) -> Iterator[Panel]:
    for values, runs in _with_same_values(group.records).items():
        words = ", ".join(f"{word} {value:g}" for word, value in zip(SHARED.values(), values, strict=True))
        for test in tested_on([record for own in runs.values() for record in own]):
            lines = {method: shots_line(runs[method], f"accuracy/{test}") for method in PAIR}
            if all(lines.values()):
                key = (group.dataset, group.preset, group.protocol, test)
                yield Panel(f"{name} · {test}\n{words}", key, lines)


def _with_same_values(records: Sequence[Record]) -> dict[Values, dict[str, list[Record]]]:
    """Values of `SHARED` → method → its runs, for the values that both methods were run with."""
    found: dict[Values, dict[str, list[Record]]] = {}
    for record in records:
        values = _values(record)
        if values:
            found.setdefault(values, {}).setdefault(record.tags["method"], []).append(record)
    return {values: runs for values, runs in sorted(found.items()) if len(runs) == len(PAIR)}


def _values(record: Record) -> Values | None:
    """The run's values of `SHARED`; None for a run of another method, with fewer components or with other overrides."""
    method = record.tags["method"]
    names = [f"{method}.{name}" for name in SHARED]
    whole = method in PAIR and record.tags.get("components", "") == ",".join(METHODS[method].components)
    if not whole or set(overrides(record)) - set(names) or any(name not in record.parameters for name in names):
        return None
    return tuple(float(record.parameters[name]) for name in names)
