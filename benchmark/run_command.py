"""The command that makes a tracked cell again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from benchmark.records import Record, method_label


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


def _as_given(record: Record, option: str, default: str) -> str:
    """What `--preset` or `--protocol` took: a name, or the path of a file, of which the tag has name and content."""
    return record.parameters.get(option) or record.tags.get(option) or default
