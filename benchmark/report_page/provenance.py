"""Where the figures come from: versions, settings, commands and runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from benchmark.records import Record, method_label
from benchmark.report_page.content import NOT_KNOWN, Provenance, RunFacts, Settings
from benchmark.run_command import run_command
from benchmark.selection import Group
from benchmark.settings import OPTIONS
from datasets.grouping import grouped


def provenance(groups: Sequence[Group]) -> Provenance:
    """Provenance of all cells that the page shows."""
    records = [record for group in groups for record in group.records]
    return Provenance(
        facts=_facts(records),
        settings=tuple(_settings(group) for group in groups),
        commands=tuple(dict.fromkeys(_commands(groups))),
        runs=tuple(_run_facts(group, record) for group in groups for record in group.records),
    )


def ended_at(milliseconds: int) -> str:
    """`2026-11-23 14:05 UTC`; a dash if the end is not known."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC" if milliseconds else NOT_KNOWN


def _facts(records: Sequence[Record]) -> tuple[tuple[str, str], ...]:
    tags = sorted({tag for record in records for tag in record.tags if tag.startswith("version.")})
    names = {"git_commit": "Commit", "python": "Python", **{tag: tag.removeprefix("version.") for tag in tags}}
    facts = [(name, _distinct(record.tags.get(tag, "") for record in records)) for tag, name in names.items()]
    latest = ended_at(max(record.ended for record in records))
    return (("Latest run", latest), ("Runs", str(len(records))), *((name, value) for name, value in facts if value))


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))


def _settings(group: Group) -> Settings:
    """Settings of a group; a method's own parameters have their bare names, so that methods can be compared."""
    by_label = {method_label(record.tags): _own_parameters(record) for record in group.records}
    methods = tuple(sorted(by_label))
    names = sorted({name for parameters in by_label.values() for name in parameters})
    rows = [(name, *(by_label[method].get(name, NOT_KNOWN) for method in methods)) for name in names]
    different = tuple(row for row in rows if len(set(row[1:])) > 1)
    return Settings(group.title, methods, different, tuple(row[:2] for row in rows if len(set(row[1:])) == 1))


def _own_parameters(record: Record) -> dict[str, str]:
    """Parameters that say how a run was done, without those that have an option and say which run it is."""
    prefix = f"{record.tags['method']}."
    return {
        name.removeprefix(prefix): value or NOT_KNOWN
        for name, value in record.parameters.items()
        if name not in OPTIONS
    }


def _commands(groups: Sequence[Group]) -> list[str]:
    """A command for each method of a group, or several if its numbers of shots were run with different seeds."""
    lines = []
    for group in groups:
        for _, own in sorted(grouped(group.records, lambda record: method_label(record.tags)).items()):
            by_shots = grouped(own, lambda record: record.shots)
            seeds = {shots: tuple(sorted(record.seed for record in cells)) for shots, cells in by_shots.items()}
            for same in sorted(set(seeds.values())):
                shots = [number for number, found in seeds.items() if found == same]
                lines.append(run_command(own[0], sorted(shots), same, "DATA_ROOT"))
    return lines


def _run_facts(group: Group, record: Record) -> RunFacts:
    return RunFacts(
        method=method_label(record.tags),
        group=group.title,
        shots=record.shots,
        seed=record.seed,
        ended=ended_at(record.ended),
        commit=record.tags.get("git_commit", "")[:10] or NOT_KNOWN,
        split=record.tags.get("split_digest", "")[:12] or NOT_KNOWN,
        run=record.run or NOT_KNOWN,
    )
