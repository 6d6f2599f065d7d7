"""Small handmade cells, for testing figures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmark.figures import FIGURES, Drawing
from benchmark.records import Record
from benchmark.selection import comparable

WHOLE = "noise,prompts,weights"
COLOURS = ((200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200), (200, 0, 200))


def cell(method: str = "diagen", shots: int = 2, seed: int = 0, test: float = 0.5, **given: Any) -> Record:
    """A finished cell with `accuracy/test`; `given` holds tags, or `metrics`, `parameters`, `tables`, `files`."""
    parts: dict[str, Any] = {name: given.pop(name, {}) for name in ("metrics", "parameters", "tables", "files")}
    status = given.pop("status", "FINISHED")
    tags = {"method": method, "components": WHOLE if method == "diagen" else "", "dataset": "mini_focus"}
    tags |= {"preset": "mini", "protocol": "paper", "overrides": "", "shots": str(shots), "seed": str(seed), **given}
    metrics = {"accuracy/val": 0.9, "accuracy/test": test, **parts.pop("metrics")}
    return Record(tags, metrics, ended=1, status=status, **parts)


def with_value(name: str, value: float, plain: bool = False, **given: Any) -> Record:
    """A DIAGen cell with this value of a hyper-parameter, given as an override unless it is the preset's (`plain`)."""
    overrides = "" if plain else f"diagen.{name}={value}"
    return cell(parameters={f"diagen.{name}": str(value)}, overrides=overrides, **given)


def pictures(classes: Mapping[str, Sequence[Mapping[str, Any]]], side: int = 4) -> dict[str, Any]:
    """The sheet and table with one guide per class, each followed by the given images; tile i has colour i."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("tile", "kind", "class", "guide", "prompt", "noise_std", "weight")
    }
    for name, images in classes.items():
        guide = {"kind": "guide", "prompt": "", "noise_std": None, "weight": None}
        for image in (
            guide,
            *({"kind": "synthetic", "prompt": "p", "noise_std": 0.0, "weight": 1.0} | i for i in images),
        ):
            row = {"tile": len(columns["tile"]), "class": name, "guide": f"{name}/0", **image}
            for column, values in columns.items():
                values.append(row[column])
    across = math.ceil(math.sqrt(len(columns["tile"])))
    sheet = Image.new("RGB", (across * side, -(-len(columns["tile"]) // across) * side), "white")
    for tile in columns["tile"]:
        row_number, place = divmod(tile, across)
        sheet.paste(
            COLOURS[tile % len(COLOURS)], (place * side, row_number * side, (place + 1) * side, (row_number + 1) * side)
        )
    stream = io.BytesIO()
    sheet.save(stream, "WEBP", lossless=True)
    return {"tables": {"thumbnails": columns}, "files": {"thumbnails.webp": stream.getvalue()}}


def drawn(name: str, *records: Record) -> Drawing:
    return FIGURES[name].draw(comparable(records))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(data: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The rows of a drawing's data."""
    return [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
