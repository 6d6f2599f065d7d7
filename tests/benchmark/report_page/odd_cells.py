"""Cells that could break a page: names and prompts with markup, values that are not numbers, a single seed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from benchmark.records import Record
from tests.benchmark.figures.cells import cell, pictures

SCRIPT = "<script>alert(1)</script>"
QUOTED = "a \"quoted\" | 'name' & more 🦜"
PROMPT = 'a "photo" of </script><img src=x onerror=alert(1)>'

MADE = [
    {"prompt": PROMPT, "noise_std": 0.02, "weight": 0.25},
    {"prompt": "a photo by night", "noise_std": math.nan, "weight": 1.0},
]


def odd_cells() -> list[Record]:
    """Cells of two datasets and two shots, and of a method named like a script that lacks 4 shots with seed 1."""
    plain = [
        cell(method, shots, seed, 0.5 + shift + 0.05 * seed, metrics={"accuracy/uncommon": 0.4 - shift})
        for shots in (2, 4)
        for seed in (0, 1)
        for method, shift in ((SCRIPT, 0.1), (QUOTED, 0.0))
        if (method, shots, seed) != (SCRIPT, 4, 1)
    ]
    imaging = cell(
        "diagen",
        metrics={"accuracy/uncommon": math.nan, "seconds/generation": 3.0},
        parameters={"method": "diagen", "diagen.strength": "0.7", "classifier.epochs": "20", "data_root": "/data"},
        git_commit="abcdef0123456789",
        **_pictures(),
    )
    cells = [
        *plain,
        imaging,
        cell("standard", dataset="pets", status="FAILED"),
        cell("standard", dataset="pets", seed=1),
    ]
    return [dataclasses.replace(record, ended=1000 * number, run=f"run{number}") for number, record in enumerate(cells)]


def _pictures() -> dict[str, Any]:
    """Pictures of a cat guide with two images and a dog guide with four."""
    given = pictures({"cat": MADE, "dog": [*MADE, *MADE]})
    table = given["tables"]["thumbnails"]
    for name, value in (("strength", 0.7), ("guidance_scale", 4.0)):
        table[name] = [None if kind == "guide" else value for kind in table["kind"]]
    return given
