"""Whole runs in the tiny world: what is tracked, and what an interruption costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.job import open_job
from benchmark.leaderboard import Board, Row, leaderboard
from benchmark.progress import Stages
from benchmark.runner import run_job
from benchmark.selection import comparable
from benchmark.settings import RunSettings
from benchmark.tracking import Tracker
from datasets.errors import UserError

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


def run(settings: RunSettings) -> None:
    run_job(open_job(settings), Tracker(), QUIET)


def board() -> Board:
    (only,) = leaderboard(comparable(Tracker().cells()))
    return only


def figures(row: Row) -> dict[str, Any]:
    """The scores of a leaderboard row without its costs."""
    return {name: score for name, score in row.scores.items() if "second" not in name}


def test_standard_logs_accuracies_and_no_precision(world, small: Settings, tracking_uri: str):
    run(small(shots="2,4", seeds="0,1"))
    cells = Tracker().finished_cells()
    assert sorted((cell.tags["shots"], cell.tags["seed"]) for cell in cells) == [
        ("2", "0"),
        ("2", "1"),
        ("4", "0"),
        ("4", "1"),
    ]
    for cell in cells:
        assert {"accuracy/val", "accuracy/test", "accuracy/uncommon", "seconds/classifier"} <= set(cell.metrics)
        assert not any(name.startswith(("precision", "recall")) for name in cell.metrics)
        assert cell.metrics["accuracy/test"] > 0.5


def test_a_generative_method_logs_precision_recall_and_cost(world, small: Settings, tracking_uri: str):
    run(small("diagen"))
    (cell,) = Tracker().finished_cells()
    wanted = {"precision/pooled", "recall/pooled", "precision/class_mean", "recall/class_mean", "images_per_second"}
    assert wanted <= set(cell.metrics)
    assert cell.tags["components"] == "noise,prompts,weights"
    assert cell.tags["seed"] == "0"
    assert len(cell.tags["git_commit"]) >= 7


def test_runs_are_nested_and_carry_parameters_tables_and_the_grid(world, small: Settings, tracking_uri: str, tmp_path):
    import mlflow

    run(small("da_fusion"))
    client = mlflow.MlflowClient(tracking_uri)
    runs = {run.data.tags["level"]: run for run in client.search_runs(["0"])}
    cell = runs["cell"]
    assert cell.data.tags["mlflow.parentRunId"] == runs["run"].info.run_id
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert cell.data.params["da_fusion.strength"] == "0.5"
    assert cell.data.params["shots"] == "2"
    assert cell.data.params["classifier.epochs"] == "3"
    tables = {Path(item.path).name for item in client.list_artifacts(cell.info.run_id, "tables")}
    assert {"plan.json", "accuracy_per_class.json", "confusion_matrix_test.json"} <= tables
    assert client.download_artifacts(cell.info.run_id, "images.png", str(tmp_path))
    plan = json.loads(Path(client.download_artifacts(cell.info.run_id, "tables/plan.json", str(tmp_path))).read_text())
    assert len(plan["data"]) == 3 * 2 * 4
    assert runs["run"].data.metrics["accuracy/test"] == cell.data.metrics["accuracy/test"]


def test_a_cells_costs_are_its_own(world, small: Settings, tracking_uri: str):
    for seeds in ("0", "1,0"):
        run_job(open_job(small("da_fusion", seeds=seeds)), Tracker(), Stages(quiet=True))
    from_store, made_here, _ = (cell.metrics for cell in Tracker().finished_cells())
    assert made_here["images_per_second"] * made_here["seconds/generation"] == pytest.approx(3 * 2 * 4)
    assert not {"images_per_second", "seconds/generation"} & set(from_store)


def test_a_runs_figures_are_the_means_of_its_cells(world, small: Settings, tracking_uri: str):
    import mlflow

    run_job(open_job(small(seeds="0,1")), Tracker(), Stages(quiet=True))
    (whole,) = mlflow.MlflowClient().search_runs(["0"], "tags.level = 'run'")
    seconds = [cell.metrics["seconds/classifier"] for cell in Tracker().finished_cells()]
    assert whole.data.metrics["seconds/classifier"] == pytest.approx(sum(seconds) / 2)


def test_a_job_gives_back_what_its_cells_gave(world, small: Settings, tracking_uri: str):
    """In a notebook, the results are available without reading the tracking store."""
    results = run_job(open_job(small("da_fusion", seeds="0,1")), Tracker(), QUIET)
    tracked = {cell.metrics["accuracy/test"] for cell in Tracker().finished_cells()}
    assert {result.metrics["accuracy/test"] for result in results} == tracked
    assert [len(result.tables["plan"]["prompt"]) for result in results] == [24, 24]


def artifact(cell_run: Any, name: str, folder: Path) -> Any:
    import mlflow

    client = mlflow.MlflowClient()
    return json.loads(Path(client.download_artifacts(cell_run.info.run_id, name, str(folder))).read_text())


def cell_runs() -> list[Any]:
    import mlflow

    return mlflow.MlflowClient().search_runs(["0"], "tags.level = 'cell'")


def test_a_cell_tells_which_images_it_used(world, small: Settings, tracking_uri: str, tmp_path):
    run(small())
    (cell,) = cell_runs()
    (used,) = cell.inputs.dataset_inputs
    assert used.dataset.name == "squares"
    assert used.dataset.digest == cell.data.tags["split_digest"]
    assert json.loads(used.dataset.profile) == {"train": 6, "validation": 18, "test": 18, "uncommon": 18}
    split = artifact(cell, "split.json", tmp_path)
    assert split["digest"] == used.dataset.digest
    assert len(split["images"]) == 60


def test_every_prediction_is_logged_and_gives_the_accuracy(world, small: Settings, tracking_uri: str, tmp_path):
    run(small())
    (cell,) = cell_runs()
    table = artifact(cell, "tables/predictions_test.json", tmp_path)
    assert table["columns"] == ["image", "label", "prediction", "confidence"]
    right = [label == prediction for _, label, prediction, _ in table["data"]]
    assert sum(right) / len(right) == pytest.approx(cell.data.metrics["accuracy/test"])
    assert all(1 / 3 <= row[3] <= 1 for row in table["data"])


def test_accuracy_is_also_told_by_attribute(world, small: Settings, tracking_uri: str, tmp_path):
    run(small())
    (cell,) = cell_runs()
    sides = [cell.data.metrics[f"accuracy/test/side/{side}"] for side in ("left", "right")]
    assert sum(sides) / 2 == pytest.approx(cell.data.metrics["accuracy/test"])
    table = artifact(cell, "tables/accuracy_by_attribute_test.json", tmp_path)
    assert [row[:2] + row[3:] for row in table["data"]] == [["side", "left", 9], ["side", "right", 9]]


def test_classes_of_too_few_test_images_for_a_measure_are_named(world, small: Settings, tracking_uri: str, caplog):
    run(small("da_fusion", overrides=("features.neighbours=12",)))
    left_out = "by class leave out 3 of 3 classes, those with at most 12 test images: apple, leaf"
    assert f"precision and recall {left_out}" in caplog.text
    assert "density" not in caplog.text
    metrics = Tracker().finished_cells()[0].metrics
    assert {"precision/pooled", "density/class_mean"} <= set(metrics)
    assert "precision/class_mean" not in metrics
    run(small("da_fusion", overrides=("features.density_neighbours=12",)))
    assert f"density and coverage {left_out}" in caplog.text


def test_the_guide_classifiers_calibration_is_logged(world, small: Settings, tracking_uri: str, tmp_path):
    run(small("diagen"))
    (cell,) = cell_runs()
    wanted = {f"calibration/{name}" for name in ("temperature", "ece_before", "ece_after", "nll_before", "nll_after")}
    assert wanted <= set(cell.data.metrics)
    table = artifact(cell, "tables/calibration.json", tmp_path)
    assert table["columns"] == ["confidence_before", "confidence_after", "correct", "weight"]
    assert [row[3] for row in table["data"]] == [1.0] * 18, "classes of equal size"
    run(small("diagen", components="noise,prompts"))
    assert not any(name.startswith("calibration") for name in Tracker().finished_cells()[0].metrics)


def test_a_guide_classifier_without_validation_has_no_calibration_to_tell_of(world, small: Settings, tracking_uri: str):
    run(small("diagen", overrides=("guide_classifier.validation=none",)))
    (cell,) = Tracker().finished_cells()
    told = {name: value for name, value in cell.metrics.items() if name.startswith("calibration/")}
    assert told == {"calibration/temperature": 1.0}
    assert "accuracy/test" in cell.metrics


def test_the_images_are_measured_by_every_standard_name(world, small: Settings, tracking_uri: str):
    run(small("da_fusion"))
    (cell,) = Tracker().finished_cells()
    wanted = {f"{name}/{over}" for name in ("density", "coverage", "vendi_score") for over in ("pooled", "class_mean")}
    assert wanted | {"frechet_distance/pooled", "near_copies/pooled", "authenticity/pooled"} <= set(cell.metrics)


def test_no_secret_is_tracked(world, small: Settings, tracking_uri: str, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    run(small())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"sk-very-secret" in path.read_bytes()]


def test_the_run_that_mlflow_opened_is_the_parent(world, small: Settings, tracking_uri: str, monkeypatch):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri)
    opened = client.create_run("0").info.run_id
    client.log_param(opened, "method", "standard")
    client.log_param(opened, "components", "''")  # `mlflow run` logs the value with its quotes
    monkeypatch.setenv("MLFLOW_RUN_ID", opened)
    run(small())
    runs = client.search_runs(["0"])
    assert len(runs) == 2
    (cell,) = (run for run in runs if run.info.run_id != opened)
    assert cell.data.tags["mlflow.parentRunId"] == opened
    assert client.get_run(opened).data.tags["level"] == "run"


def test_a_stopped_run_goes_on_and_ends_with_the_same_figures(world, small: Settings, tracking_uri: str, monkeypatch):
    settings = small("diagen")
    run(settings)
    (whole,) = board().rows
    monkeypatch.setenv("DIAGEN_STORE", "another-store")
    world.made, world.stop_after = 0, 10
    with pytest.raises(KeyboardInterrupt):
        run(settings)
    world.stop_after = float("inf")
    run(settings)
    assert world.made == 3 * 2 * 4
    (resumed,) = board().rows
    assert figures(resumed) == figures(whole)


def test_a_network_that_cannot_be_had_is_known_first(world, small: Settings, tracking_uri: str, monkeypatch):
    import evaluation.backbones

    load = evaluation.backbones.load_backbone

    def without_features(name: str, size: int, dtype: str) -> Any:
        if name == "dinov2_vits14":
            raise UserError("no network")
        return load(name, size, dtype)

    monkeypatch.setattr(evaluation.backbones, "load_backbone", without_features)
    monkeypatch.setattr("methods.textual_inversion.learn_words", lambda *_: pytest.fail("words were learned"))
    with pytest.raises(UserError, match="no network"):
        run(small("diagen", overrides=("features.name=dinov2_vits14",)))
    assert world.made == 0
    run(small("standard", overrides=("features.name=dinov2_vits14",)))  # makes no images to measure


def test_an_interrupted_run_is_marked_killed_and_a_failed_one_failed(world, small: Settings, tracking_uri, monkeypatch):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri)
    world.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        run(small("diagen"))
    assert {run.info.status for run in client.search_runs(["0"])} == {"KILLED"}
    monkeypatch.setattr("benchmark.run_cell.evaluate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(small())
    assert {run.info.status for run in client.search_runs(["0"], "tags.method = 'standard'")} == {"FAILED"}
    with pytest.raises(UserError, match="no finished run is tracked here"):
        board()


def test_a_run_whose_process_died_is_marked_killed_later(tracking_uri: str):
    import mlflow

    dies = (
        "import os, signal\nfrom benchmark.tracking import DATA, Tracker\nwith Tracker().run('x', {'level': 'cell'}): "
    )
    dies += "os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", dies], cwd=Path(__file__).parents[2], check=False, env=os.environ)
    client = mlflow.MlflowClient(tracking_uri)
    (left,) = client.search_runs(["0"])
    assert left.info.status == "RUNNING"
    tracker = Tracker()
    with tracker.run("alive", {"level": "run"}) as alive:
        assert tracker.end_dead_runs() == 1
        assert client.get_run(left.info.run_id).info.status == "KILLED"
        assert client.get_run(alive.identifier).info.status == "RUNNING"


def test_two_methods_share_a_tasks_words_but_not_their_images(world, small: Settings, tracking_uri: str):
    run(small("da_fusion"))
    words = sorted(Path("store/words").rglob("*.npy"))
    run(small("diagen"))
    assert sorted(Path("store/words").rglob("*.npy")) == words
    assert len(list(Path("store/images").rglob("*.png"))) == 2 * 3 * 2 * 4
