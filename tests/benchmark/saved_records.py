"""Records in a folder, so that tables, figures and pages can be tested without running anything."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchmark.records import Record


def save_records(records: Iterable[Record], folder: Path) -> None:
    """Write a folder that `load_records` reads: one JSON file per cell, with the cell's files beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, record in enumerate(records):
        plain = {name: value for name, value in vars(record).items() if name not in ("tables", "files")}
        plain["tables"] = {name: dict(table) for name, table in record.tables.items()}
        stem = folder / f"{number:03}"
        stem.with_suffix(".json").write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
        for name, data in record.files.items():
            (folder / f"{stem.name}-{name}").write_bytes(data)


def load_records(folder: Path) -> list[Record]:
    """Load the records from a folder that `save_records` wrote."""
    records = []
    for path in sorted(path for path in folder.glob("*.json") if path.stem.isdigit()):
        files = {
            other.name.removeprefix(f"{path.stem}-"): other.read_bytes() for other in folder.glob(f"{path.stem}-*")
        }
        records.append(Record(**json.loads(path.read_text(encoding="utf-8")), files=files))
    return records
