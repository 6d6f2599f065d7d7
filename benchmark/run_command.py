"""The commands that make a tracked cell again, and more runs like those of a group."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from benchmark.records import Record, as_text, method_label, overrides_of_images
from benchmark.selection import Group
from benchmark.settings import RunSettings


def run_command(record: Record, shots: Sequence[int], seeds: Sequence[int], data_root: str) -> str:
    """`python -m benchmark run …` of a cell, for these shots and seeds; `data_root` stands where the run had one."""
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
    """`python -m benchmark …` on what the runs of one of the groups are on, for its figure or table to be made then.

    A group on what a command takes by itself needs no options; where there is none, it is the first group.
    """
    options = min((_options(group, command) for group in groups), key=bool, default={})
    words = [word for name, value in options.items() for word in (name, shlex.quote(value))]
    return " ".join(("python -m benchmark", command, *words))


def _options(group: Group, command: str) -> dict[str, str]:
    """As `run_command` writes them for a run of the group, without what every command takes by itself."""
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
    """What `--preset` or `--protocol` took: a name, or the path of a file, of which the tag has name and content."""
    return record.parameters.get(option) or record.tags.get(option) or default
