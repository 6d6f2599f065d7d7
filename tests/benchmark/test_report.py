"""From committed records to the finished tables, figures and page.

`records/` holds what runs in the tiny world of conftest.py logged: four methods, 2 and 4 shots, three seeds. Their
squares are harder to tell apart, so that the methods differ.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

import methods  # noqa: F401
from benchmark.cli import main
from benchmark.figures import FIGURES
from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.records import Record, method_label
from benchmark.report import PARTS, check_request, write_parts
from benchmark.runner import run_job
from benchmark.selection import Group, comparable
from benchmark.settings import RunSettings
from benchmark.tracking import Tracker
from datasets.errors import UserError
from tests.benchmark.saved_records import load_records

RECORDS = Path(__file__).parent / "records"


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return load_records(RECORDS)


@pytest.fixture(scope="module")
def groups(records: list[Record]) -> list[Group]:
    return comparable(records)


@pytest.fixture(scope="module")
def report(groups: list[Group], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    list(write_parts(groups, folder))
    return folder


def accuracy(records: list[Record], label: str, shots: int) -> float:
    return mean(r.metrics["accuracy/uncommon"] for r in records if method_label(r.tags) == label and r.shots == shots)


def test_every_part_is_written(report: Path):
    names = {path.name for path in report.iterdir()}
    assert {"report.html", "table1.md", "table1.tex", "table1.csv", "figures"} <= names
    assert {f"leaderboard.{suffix}" for suffix in ("md", "tex", "csv", "json")} <= names
    drawn = {path.stem for path in (report / "figures").iterdir()}
    assert (
        {"accuracy", "images", "noise", "prompts", "precision_recall", "reliability", "weights"}
        <= drawn
        <= set(FIGURES)
    )
    assert not [name for name in names if name.startswith(".")]


def test_the_leaderboards_figures_are_those_of_the_records(report: Path, records: list[Record]):
    rows = json.loads((report / "leaderboard.json").read_text())
    assert {(row["label"], row["shots"]) for row in rows} == {
        (label, shots) for label in ("standard", "da_fusion", "diagen", "diagen [noise]") for shots in (2, 4)
    }
    for row in rows:
        found = row["metrics"]["accuracy/uncommon"]
        assert found["mean"] == pytest.approx(accuracy(records, row["label"], row["shots"]))
        assert found["n"] == 3


@pytest.mark.parametrize(("name", "over"), [("table1", "class_mean"), ("table1_pooled", "pooled")])
def test_table_1_holds_the_records_means(report: Path, records: list[Record], name: str, over: str):
    lines = csv.DictReader(io.StringIO((report / f"{name}.csv").read_text()))
    by_place = {(line["method"], line["metric"], line["shots"]): line for line in lines}
    own = [r.metrics[f"recall/{over}"] for r in records if method_label(r.tags) == "diagen" and r.shots == 4]
    assert float(by_place["diagen", "recall", "4"]["mean"]) == pytest.approx(mean(own))
    assert by_place["diagen", "recall", "4"]["paper"] == ""


def test_the_page_shows_the_same_figures(report: Path, records: list[Record]):
    page = (report / "report.html").read_text()
    for label in ("standard", "da_fusion", "diagen"):
        assert f"{100 * accuracy(records, label, 4):.1f}" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "no significant difference between" in page


def test_a_missing_cell_shows_and_is_never_averaged_away(records: list[Record], tmp_path: Path):
    fewer = [r for r in records if (method_label(r.tags), r.shots, r.seed) != ("diagen", 4, 1)]
    list(write_parts(comparable(fewer), tmp_path, "leaderboard"))
    rows = json.loads((tmp_path / "leaderboard.json").read_text())
    (row,) = (row for row in rows if (row["label"], row["shots"]) == ("diagen", 4))
    assert (row["seeds"], row["missing"]) == ([0, 2], [1])
    assert "missing: diagen, seed 1" in (tmp_path / "leaderboard.md").read_text()


def test_failed_and_open_runs_and_other_presets_are_kept_out(records: list[Record], groups: list[Group]):
    odd = [
        replace(records[0], tags={**records[0].tags, "seed": "7"}, status="FAILED"),
        replace(records[0], tags={**records[0].tags, "seed": "8"}, status="RUNNING", ended=0),
        replace(records[0], tags={**records[0].tags, "preset": "paper"}),
    ]
    mini, paper = comparable([*records, *odd])
    assert mini.records == groups[0].records
    assert mini.notes == ("1 run failed", "1 run still running")
    assert len(paper.records) == 1


def test_old_records_without_tables_still_give_a_report(records: list[Record], tmp_path: Path):
    kept = ("accuracy/test", "accuracy/uncommon")
    old = [
        replace(r, tables={}, files={}, parameters={}, metrics={name: r.metrics[name] for name in kept})
        for r in records
    ]
    lines = list(write_parts(comparable(old), tmp_path))
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "figures" / "accuracy.png").is_file()
    assert any(str(line).startswith("table1: no run of da_fusion or diagen") for line in lines)


def test_the_only_part_that_is_asked_for_must_have_its_runs(records: list[Record], tmp_path: Path):
    standard = comparable(r for r in records if r.tags["method"] == "standard")
    with pytest.raises(UserError, match="sweep --methods da_fusion,diagen"):
        list(write_parts(standard, tmp_path, "table1"))


def test_unknown_parts_and_no_runs_are_refused_before_anything_is_written(groups: list[Group]):
    with pytest.raises(UserError, match="unknown part of the report 'tabel1'; did you mean table1"):
        check_request(groups, "tabel1")
    for part in PARTS:
        check_request(groups, part)
    with pytest.raises(UserError, match="no finished run is tracked here"):
        check_request([])


def test_the_command_writes_the_report_and_logs_it(
    world, small: Callable[..., RunSettings], tracking_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    import mlflow

    run_job(open_job(small("diagen")), Tracker(), Stages(quiet=True))
    assert main(["report", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "report.html" in printed.out
    assert all(Path(line).is_file() for line in printed.out.splitlines())
    assert "python -m benchmark ablation" in printed.err  # how to get the runs that figures lack
    (logged,) = mlflow.MlflowClient().search_runs(["0"], "tags.level = 'report'")
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(logged.info.run_id)}
    assert {"report.html", "figures", "leaderboard.json"} <= names
    assert main(["leaderboard", "--dataset", "coco"]) == 2
    assert "unknown dataset among the tracked runs 'coco'; known: squares" in capsys.readouterr().err


def test_only_what_the_command_wrote_is_logged(
    world, small: Callable[..., RunSettings], tracking_uri: str, tmp_path: Path
):
    """The folder given by --out may hold private files."""
    import mlflow

    run_job(open_job(small("diagen")), Tracker(), Stages(quiet=True))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "private.txt").write_text("not for the server")
    assert main(["report", "--only", "leaderboard", "--out", str(tmp_path / "out")]) == 0
    (logged,) = mlflow.MlflowClient().search_runs(["0"], "tags.level = 'report'")
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(logged.info.run_id)}
    assert names == {f"leaderboard.{suffix}" for suffix in ("md", "tex", "csv", "json")}


@pytest.mark.parametrize("part", [*PARTS, ""])
def test_a_folder_that_cannot_be_written_to_is_one_clear_line(part: str, groups: list[Group], tmp_path: Path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"cannot write .*taken.*--out"):
        list(write_parts(groups, tmp_path / "taken", part))
