"""A trained classifier as an MLflow model: MLflow runs this file when it loads one.

model = mlflow.pyfunc.load_model("models:/<identifier>")
model.predict(pandas.DataFrame({"image": ["photo.jpg"]}))
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext
from PIL.Image import Image

from datasets.errors import UserError
from evaluation.saved_classifier import as_image, load_classifier


class ServedClassifier(PythonModel):
    """From a column `image` (paths, base64 text, bytes, arrays or PIL images) to `prediction` and `confidence`.

    A row of the answer has the index of its image: a shuffled or filtered frame takes it as a column.
    """

    def load_context(self, context: PythonModelContext) -> None:
        self._classifier = load_classifier(Path(context.artifacts["classifier"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        values = _one_in_a_row(model_input["image"])
        prediction, confidence = self._classifier.predict([_image(row, value) for row, value in values.items()])
        return pd.DataFrame({"prediction": prediction, "confidence": confidence}, index=values.index)


class RefusedImage(MlflowException):
    """Why an image is refused: of other exceptions MLflow's server sends a traceback, and no word of the reason."""

    def serialize_as_json(self) -> str:
        self.message = str(self)  # the server put all that was sent in front of it
        return str(super().serialize_as_json())


def _one_in_a_row(column: pd.Series) -> pd.Series:
    """MLflow reads `{"inputs": {"image": [one, another]}}` as one row that holds the list."""
    return pd.Series(column.iloc[0]) if len(column) == 1 and isinstance(column.iloc[0], list) else column


def _image(row: Any, value: Any) -> Image:
    try:
        return as_image(value)
    except UserError as error:
        raise RefusedImage(f"image {row}: {error}", INVALID_PARAMETER_VALUE) from None


mlflow.models.set_model(ServedClassifier())
