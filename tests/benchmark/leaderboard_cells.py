"""Handmade cells, and the leaderboard of them."""

from __future__ import annotations

from benchmark.leaderboard import Board, Row, leaderboard
from benchmark.records import Record, Table
from benchmark.selection import comparable

TEST, UNCOMMON, RECALL = "accuracy/test", "accuracy/uncommon", "recall/class_mean"

LOGGED: dict[str, Table] = {"accuracy_per_class": {}}
"""Every finished run logs tables, even one without predictions."""


def cell(
    method: str, seed: int, uncommon: float | None, shots: int = 4, tables: dict[str, Table] | None = None, **more: str
) -> Record:
    """A tracked cell; `more` holds further tags."""
    components = "noise,prompts,weights" if method == "diagen" else ""
    own = {"method": method, "components": components, "dataset": "mini_focus", "preset": "mini", "overrides": ""}
    own |= {"protocol": "paper", "settings_fingerprint": method, "seed": str(seed), "shots": str(shots)}
    metrics = {TEST: 0.9, "seconds/classifier": 2.0}
    if uncommon is not None:
        metrics[UNCOMMON] = uncommon
    if method == "diagen":
        metrics |= {RECALL: 0.5, "seconds/generation": 60.0, "images_per_second": 8.0}
    status = more.pop("status", "FINISHED")
    return Record({**own, **more}, metrics, 1, status, tables=LOGGED if tables is None else tables)


def predictions(right: int, wrong: int) -> Table:
    """Predictions for two classes of equal size, with the same share of mistakes in each."""
    labels = ["car", "cow"] * (right + wrong)
    found = ["car", "cow"] * right + ["cow", "car"] * wrong
    images = [f"{place}.png" for place in range(len(labels))]
    return {"image": images, "label": labels, "prediction": found, "confidence": [0.5] * len(labels)}


def board(records: list[Record]) -> Board:
    (only,) = leaderboard(comparable(records))
    return only


def row(records: list[Record], label: str) -> Row:
    return next(row for row in board(records).rows if row.label == label)


STANDARD = [cell("standard", seed, value) for seed, value in enumerate((0.5, 0.6, 0.7))]
DIAGEN = [cell("diagen", seed, value) for seed, value in enumerate((0.8, 0.7, 0.6))]
