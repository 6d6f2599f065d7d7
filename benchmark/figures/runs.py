"""Which runs of a group a figure shows."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.figures.estimates import Estimate, estimate
from benchmark.records import Record, as_text, method_label, overrides
from benchmark.selection import Group, standing_for_methods
from datasets.grouping import grouped
from datasets.plurals import counted
from methods.base import METHODS, settings_without_part


def plain_runs(group: Group) -> list[Record]:
    """The runs that stand for their methods or, if a group has none, all of its runs."""
    return standing_for_methods(group.records) or list(group.records)


def plain_note(groups: Sequence[Group]) -> tuple[str, ...]:
    """A note on how many runs `plain_runs` leaves to the figures of ablations."""
    count = sum(len(group.records) - len(plain_runs(group)) for group in groups)
    return (f"Not shown: {counted(count, 'run')} with other settings or components.",) if count else ()


def over_seeds(records: Sequence[Record], metric: str) -> Estimate | None:
    """The metric's estimate from one record per seed."""
    return estimate(record.metrics.get(metric, float("nan")) for record in records)


def common_overrides(record: Record, method: str) -> str:
    """Those of the record's overrides that a run of `method` with the same --set would have.

    They include no hyper-parameters of any method, and no settings of services that `method` does not use.
    """
    others = (*(f"{name}." for name in METHODS), *settings_without_part(METHODS[method]))
    common = {name: value for name, value in overrides(record.tags).items() if not name.startswith(others)}
    return as_text(common)


def labelled(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Method label → its records."""
    return grouped(records, lambda record: method_label(record.tags))
