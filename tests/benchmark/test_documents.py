"""docs/records.md names everything that a run logs, and the examples of both pages run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.runner import run_job
from benchmark.settings import RunSettings, settable
from benchmark.tracking import Tracker
from tests.documents import code_blocks, page

Settings = Callable[..., RunSettings]


def section(title: str) -> str:
    return page("docs/records.md").split(f"\n## {title}\n")[1].split("\n## ")[0]


def named(title: str) -> list[re.Pattern[str]]:
    """Patterns for the names in the first column of a section's table; `<…>` stands for a name without a slash."""
    rows = [line.split("|")[1] for line in section(title).splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in re.findall(r"`(.+?)`", row)]
    return [re.compile(re.sub(r"<[^>]+>", r"[^/]+", re.escape(name))) for name in names]


def unnamed(title: str, names: set[str]) -> set[str]:
    return {name for name in names if not any(pattern.fullmatch(name) for pattern in named(title))}


def files(client: Any, run: str, folder: str | None = None) -> Iterator[str]:
    for item in client.list_artifacts(run, folder):
        if item.is_dir:
            yield from files(client, run, item.path)
        else:
            yield item.path


@pytest.fixture
def runs(world: Any, small: Settings, tracking_uri: str) -> list[Any]:
    """The MLflow runs of one DIAGen and one standard job: cells and their parents."""
    import mlflow

    for method in ("standard", "diagen"):
        run_job(open_job(small(method)), Tracker(), Stages(quiet=True))
    return list(mlflow.MlflowClient(tracking_uri).search_runs(["0"]))


def test_all_that_runs_log_is_named(runs: list[Any], small: Settings, tracking_uri: str) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri)
    assert len(runs) == 4
    assert unnamed("Tags", {name for run in runs for name in run.data.tags}) == set()
    assert unnamed("Metrics", {name for run in runs for name in run.data.metrics}) == set()
    parameters = {name for run in runs for name in run.data.params} - {*settable(small("diagen"))}
    assert {name for name in parameters if f"`{name}`" not in section("Parameters")} == set()
    artifacts = {name for run in runs for name in files(client, run.info.run_id)}
    assert unnamed("Tables and files", artifacts) == set()
    assert {"tables/plan.json", "images.png"} <= artifacts


def test_every_column_is_named(runs: list[Any]) -> None:
    tables = {name: table for cell in Tracker().finished_cells() for name, table in cell.tables.items()}
    assert {"plan", "calibration", "thumbnails", "predictions_test"} <= set(tables)
    classes = {"apple", "leaf", "plum", "val", "test", "uncommon"}  # each class has a column
    columns = {column for table in tables.values() for column in table} - classes
    text = page("docs/records.md")
    assert {column for column in columns if f"`{column}`" not in text} == set()


@pytest.mark.parametrize("title", ["Tags", "Metrics"])
def test_what_the_page_names_is_logged(runs: list[Any], title: str) -> None:
    logged = {name for run in runs for name in (run.data.tags if title == "Tags" else run.data.metrics)}
    assert [pattern for pattern in named(title) if not any(map(pattern.fullmatch, logged))] == []


def test_the_pandas_example_finds_the_latest_cells(
    runs: list[Any], small: Settings, tracking_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_job(open_job(small("standard")), Tracker(), Stages(quiet=True))
    (example,) = code_blocks("docs/records.md")
    known: dict[str, Any] = {}
    exec(example.replace("sqlite:///mlflow.db", tracking_uri), known)
    cells = Tracker().finished_cells()
    assert len(known["runs"]) == len(cells) == 3
    assert set(known["latest"]["run_id"]) == {cells[0].run} | {c.run for c in cells if c.tags["method"] == "diagen"}
    assert len(known["predictions"]) == 2 * 18
    assert re.search("squares +mini +paper", capsys.readouterr().out)


def test_the_python_example_runs_cells_and_prints_their_figures(
    world: Any, tracking_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = code_blocks("docs/python.md")
    exec(example.replace("mini_focus", "squares").replace('"workers=2",', '"log_classifier=false",'), {})
    *_, one, two = capsys.readouterr().out.splitlines()
    assert sorted(line.rpartition(" ")[0] for line in (one, two)) == [
        "standard on squares, 2 shots, seed 0",
        "standard on squares, 2 shots, seed 1",
    ]
    assert all(0 <= float(line.rpartition(" ")[2]) <= 1 for line in (one, two))
