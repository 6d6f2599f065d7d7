"""The trained classifier as an MLflow model: logged with a run, loaded, and served over HTTP."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from benchmark.plugins import load_plugins
from benchmark.tracked_classifier import SERVED_WITH, log_classifier
from benchmark.tracking import Tracker
from evaluation.backbones import BACKBONES
from evaluation.classifier import Head
from evaluation.saved_classifier import SavedClassifier

CLASSES = ("cup", "lamp")


@pytest.fixture
def logged(tracking_uri: str, tmp_path: Path) -> Any:
    """The MLflow model of a run: the real backbone with a randomly initialised head."""
    import mlflow

    rng = np.random.default_rng(0)
    head = Head(rng.normal(size=(2, 1280)).astype(np.float32), np.zeros(2, np.float32))
    folder = tmp_path / "classifier"
    folder.mkdir()
    SavedClassifier(CLASSES, "efficientnet_lite0", 64, head).save(folder)
    with Tracker().run("a run", {"level": "cell"}) as run:
        address = log_classifier(run, folder, photo(1), "my.method 4 shots")
        run.log_metrics({"accuracy/test": 0.5, "recall/class_mean": 0.25}, address)
    (model,) = mlflow.search_logged_models(output_format="list")
    assert address == f"models:/{model.model_id}"
    assert model.source_run_id == run.identifier
    return model


def photo(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_mlflow_lists_it_with_a_name_and_its_accuracies(logged: Any):
    import mlflow

    assert logged.name == "my-method-4-shots"
    assert logged.tags["mlflow.source.name"] == "python -m benchmark"
    assert {metric.key: metric.value for metric in logged.metrics} == {"accuracy/test": 0.5}
    run = mlflow.MlflowClient().get_run(logged.source_run_id)
    assert run.data.metrics == {"accuracy/test": 0.5, "recall/class_mean": 0.25}


def test_it_loads_and_takes_paths_and_images(logged: Any, tmp_path: Path):
    import mlflow
    import pandas as pd

    photo(2).save(tmp_path / "photo.png")
    model = mlflow.pyfunc.load_model(logged.model_uri)
    answers = model.predict(pd.DataFrame({"image": [photo(2), str(tmp_path / "photo.png"), encoded(photo(2))]}))
    assert list(answers.columns) == ["prediction", "confidence"]
    assert len(set(answers["prediction"])) == 1
    assert answers["confidence"].nunique() == 1
    assert set(answers["prediction"]) <= set(CLASSES)


def test_answers_have_the_index_of_their_images(logged: Any):
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model(logged.model_uri)
    frame = pd.DataFrame({"image": [photo(seed) for seed in range(6)]}).iloc[[4, 1, 5, 2]]
    answers = model.predict(frame)
    assert list(answers.index) == [4, 1, 5, 2]
    for row in frame.index:
        (alone,) = model.predict(frame.loc[[row]])["confidence"]
        assert answers.loc[row, "confidence"] == pytest.approx(alone, rel=1e-4)


def answer(model: Any, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The response of MLflow's server to a request."""
    from mlflow.pyfunc.scoring_server import invocations

    schema = model.metadata.get_input_schema()
    return json.loads(invocations(json.dumps(body), "application/json", model, schema).response)["predictions"]


def test_every_form_of_request_that_mlflow_knows_is_answered(logged: Any):
    import mlflow

    model = mlflow.pyfunc.load_model(logged.model_uri)
    one, other = encoded(photo(2)), encoded(photo(3))
    expected = answer(model, {"dataframe_records": [{"image": one}, {"image": other}]})
    assert len(expected) == 2
    for body in (
        {"dataframe_split": {"columns": ["image"], "data": [[one], [other]]}},
        {"inputs": {"image": [one, other]}},
        {"inputs": [{"image": one}, {"image": other}]},
        {"instances": [one, other]},
    ):
        assert answer(model, body) == expected


@pytest.mark.parametrize("name", ["dataframe_records", "inputs"])
def test_who_sends_what_is_no_image_is_told_why_in_one_line(logged: Any, name: str):
    import mlflow
    from mlflow.exceptions import MlflowException

    model = mlflow.pyfunc.load_model(logged.model_uri)
    with pytest.raises(MlflowException) as refused:
        answer(model, {name: [{"image": encoded(photo(2))}, {"image": "bm8gaW1hZ2U="}]})
    told = json.loads(refused.value.serialize_as_json())
    assert refused.value.get_http_status_code() == 400
    assert told["message"].startswith("image 1: 'bm8gaW1hZ2U=' is not a file, and as base64 it is not a readable image")
    assert len(told["message"].splitlines()) == 1
    assert "stack_trace" not in told


def test_it_has_a_signature_and_an_example_that_works(logged: Any):
    import mlflow

    model = mlflow.pyfunc.load_model(logged.model_uri)
    assert [column.name for column in model.metadata.signature.inputs] == ["image"]
    assert [column.name for column in model.metadata.signature.outputs] == ["prediction", "confidence"]
    example = model.metadata.load_input_example()
    assert len(model.predict(example)) == 1


BACKBONE = """
from evaluation.backbones import BACKBONES

@BACKBONES.register("mean_colour")
def mean_colour():
    from torch import nn
    from evaluation.frozen import Network, weights_digest
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Network(module, (0.5,) * 3, (0.5,) * 3, "bilinear", weights_digest(module))
"""


def test_one_on_a_plugins_backbone_is_loaded_in_a_new_process(
    tracking_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(BACKBONES, "_plugins", dict(BACKBONES._plugins))
    (tmp_path / "mine.py").write_text(BACKBONE)
    load_plugins(str(tmp_path / "mine.py"))
    (tmp_path / "mine.py").unlink()
    folder = tmp_path / "classifier"
    folder.mkdir()
    head = Head(np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32))
    SavedClassifier(CLASSES, "mean_colour", 32, head).save(folder)
    with Tracker().run("a run", {"level": "cell"}) as run:
        address = log_classifier(run, folder, photo(1), "a model")
    prediction, modules = of_red_in_a_new_process(address, tmp_path)
    assert prediction == "cup"
    assert of_this_project(modules) <= with_requirements(SERVED_WITH), "MLflow builds an environment that lacks some"


def of_red_in_a_new_process(address: str, folder: Path) -> tuple[str, list[str]]:
    """The model's prediction for a red image and the modules loaded for it, in a process without this checkout."""
    code = (
        "import sys, mlflow, pandas, numpy\n"
        f"model = mlflow.pyfunc.load_model({address!r})\n"
        "red = numpy.zeros((64, 64, 3), 'uint8') + numpy.uint8([250, 0, 0])\n"
        "print(*model.predict(pandas.DataFrame({'image': [red]}))['prediction'], *sys.modules)\n"
    )
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    prediction, *modules = run.stdout.split()
    return prediction, modules


def of_this_project(modules: Iterable[str]) -> set[str]:
    """The packages of these modules that this project requires; other packages are loaded only if installed."""
    distributions = packages_distributions()
    found = {canonicalize_name(name) for module in modules for name in distributions.get(module, ())}
    required = Path(__file__).parents[2].joinpath("requirements.txt").read_text()
    return found & set(re.findall(r"^[\w-]+(?===)", required, re.MULTILINE))


def with_requirements(names: Iterable[str]) -> set[str]:
    """The distributions and everything that they require, directly or indirectly."""
    found, left = set(), list(names)
    while left:
        name = canonicalize_name(left.pop())
        if name not in found:
            found.add(name)
            needs = map(Requirement, requires(name) or [])
            left += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


@pytest.mark.slow
def test_a_server_answers_a_real_request(logged: Any, tracking_uri: str, tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", logged.model_uri, "--env-manager=local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow looks for its server on the PATH
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri, "PATH": path}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--host=127.0.0.1", f"--port={port}"],
            cwd=tmp_path,  # the checkout cannot be imported from here
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server, tmp_path / "log")
        body = json.dumps({"dataframe_split": {"columns": ["image"], "data": [[encoded(photo(3))]]}}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            (prediction,) = json.load(answer)["predictions"]
        assert prediction["prediction"] in CLASSES
        assert 0.5 <= prediction["confidence"] <= 1
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer in time: {log.read_text()[-2000:]}")
