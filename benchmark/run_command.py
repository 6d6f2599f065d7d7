"""Commands that reproduce a tracked cell, or that make more runs like those of a group."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from benchmark.records import Record, as_text, method_label, overrides_of_images
from benchmark.selection import Group
from benchmark.settings import RunSettings


def run_command(record: Record, shots: Sequence[int], seeds: Sequence[int], data_root: str) -> str:
    """`python -m benchmark run …` for a cell, with these shots and seeds; `data_root` replaces the run's, if any."""
    replayed = record.parameters.get("split_files", "")
    options = {
        "--method": record.tags["method"],
        "--components": record.tags.get("components", "") if " [" in method_label(record.tags) else "",
        "--dataset": record.tags["dataset"],
        "--data-root": data_root if record.parameters.get("data_root") else "",
        "--preset": _as_given(record, "preset", ""),
        "--protocol": _as_given(record, "protocol", "paper"),
        "--plugins": record.parameters.get("plugins", ""),
        "--split-file": replayed,
        "--shots": "" if replayed else ",".join(map(str, shots)),
        "--seeds": "" if replayed else ",".join(map(str, seeds)),
        "--set": record.tags.get("overrides", ""),
    }
    words = [word for name, value in options.items() if value for word in (name, shlex.quote(value))]
    return " ".join(("python -m benchmark run", *words))


def command_for(groups: Sequence[Group], command: str) -> str:
    """`python -m benchmark …` for runs like those of one of the groups, to complete its figure or table.

    A group on the command's defaults is preferred, as it needs no options; if there is none, the first group is used.
    """
    options = min((_options(group, command) for group in groups), key=bool, default={})
    words = [word for name, value in options.items() for word in (name, shlex.quote(value))]
    return " ".join(("python -m benchmark", command, *words))


def _options(group: Group, command: str) -> dict[str, str]:
    """Options for runs like the group's, as `run_command` writes them, without those that equal the defaults."""
    record = group.records[0]
    given = {name: record.parameters.get(name) or record.tags.get(name, "") for name in ("preset", "protocol")}
    usual = RunSettings()
    options = {
        "--datasets" if command.startswith("sweep ") else "--dataset": (group.registered, usual.dataset),
        "--data-root": ("DATA_ROOT" if record.parameters.get("data_root") else "", ""),
        "--preset": (given["preset"], usual.preset),
        "--protocol": (given["protocol"], usual.protocol),
        "--set": (as_text(overrides_of_images(record.tags)), ""),
    }
    return {name: value for name, (value, default) in options.items() if value not in ("", default)}


def _as_given(record: Record, option: str, default: str) -> str:
    """What was passed to `--preset` or `--protocol`: a name, or a file's path, which the tag does not hold."""
    return record.parameters.get(option) or record.tags.get(option) or default
