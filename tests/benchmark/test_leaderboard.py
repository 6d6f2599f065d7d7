"""From tracked cells to tables."""

from __future__ import annotations

import csv
import io
import json
from statistics import stdev

import pytest

import methods  # noqa: F401
from benchmark.leaderboard import leaderboard, write
from benchmark.records import Record
from datasets.errors import UserError


def cell(method: str, seed: int, uncommon: float, ended: int = 0, shots: int = 4, **tags: str) -> Record:
    components = "noise,prompts,weights" if method == "diagen" else ""
    own = {"method": method, "components": components, "dataset": "mini_focus", "preset": "mini", "overrides": ""}
    own |= {"settings_fingerprint": f"{method} {tags.get('overrides', '')}", "seed": str(seed), "shots": str(shots)}
    metrics = {"accuracy/uncommon": uncommon, "accuracy/test": 0.9}
    if method == "diagen":
        metrics["recall/class_mean"] = 0.5
    return Record({**own, **tags}, metrics, ended)


CELLS = [cell("standard", seed, 0.5 + seed / 10) for seed in range(3)] + [
    cell("diagen", seed, 0.8) for seed in range(3)
]


def test_a_row_is_the_mean_over_seeds_with_the_sample_deviation():
    row = next(row for row in leaderboard(CELLS) if row["method"] == "standard")
    summary = row["metrics"]["accuracy/uncommon"]
    assert summary == {"mean": pytest.approx(0.6), "std": pytest.approx(stdev([0.5, 0.6, 0.7])), "n": 3}
    assert (row["dataset"], row["preset"], row["shots"], row["components"]) == ("mini_focus", "mini", 4, "")


def test_the_best_uncommon_accuracy_comes_first_within_its_group():
    rows = leaderboard([*CELLS, cell("standard", 0, 0.99, shots=8)])
    assert [(row["shots"], row["method"]) for row in rows] == [(4, "diagen"), (4, "standard"), (8, "standard")]


def test_of_a_cell_that_ran_twice_the_latest_counts():
    rows = leaderboard([cell("standard", 0, 0.9, ended=5), cell("standard", 0, 0.1, ended=3)])
    assert rows[0]["metrics"]["accuracy/uncommon"] == {"mean": 0.9, "std": None, "n": 1}


def test_other_settings_are_another_row():
    rows = leaderboard([cell("standard", 0, 0.5), cell("standard", 0, 0.6, overrides="classifier.epochs=3")])
    assert [row["overrides"] for row in rows] == ["classifier.epochs=3", ""]


def test_two_protocols_are_never_averaged():
    rows = leaderboard([cell("standard", 0, 0.5, protocol="paper"), cell("standard", 1, 0.6, protocol="as_released")])
    assert [(row["protocol"], row["metrics"]["accuracy/uncommon"]["n"]) for row in rows] == [
        ("as_released", 1),
        ("paper", 1),
    ]
    assert "protocol as_released" in write(rows, "table")


def test_no_runs_is_a_users_matter():
    with pytest.raises(UserError, match="python -m benchmark run"):
        leaderboard([])


def test_json_is_the_rows():
    assert json.loads(write(leaderboard(CELLS), "json")) == leaderboard(CELLS)


def test_csv_has_a_line_for_each_row_and_metric():
    lines = list(csv.DictReader(io.StringIO(write(leaderboard(CELLS), "csv"))))
    assert len(lines) == 3 + 2
    assert lines[0]["metric"] == "accuracy/test"
    assert float(lines[0]["mean"]) == 0.9


def test_tables_show_percent_and_missing_figures():
    text = write(leaderboard(CELLS), "table")
    assert "mini_focus · preset mini · 4 shots · n = 3 seeds" in text
    standard = next(line for line in text.splitlines() if line.startswith("standard"))
    assert "60.0 ± 10.0" in standard
    assert standard.split()[-1] == "–"
    assert "| diagen | 90.0 ± 0.0 | 80.0 ± 0.0 | – | 50.0 ± 0.0 |" in write(leaderboard(CELLS), "markdown")


def test_switched_off_components_are_named():
    rows = leaderboard([cell("diagen", 0, 0.5, components="noise")])
    assert "diagen [noise]" in write(rows, "table")


def test_an_unknown_format_is_refused():
    with pytest.raises(UserError, match="markdown"):
        write(leaderboard(CELLS), "markdwn")
