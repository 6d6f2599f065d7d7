"""A trained classifier as an MLflow model: MLflow runs this file when it loads the model.

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
    """Maps a column `image` (paths, base64 text, bytes, arrays or PIL images) to `prediction` and `confidence`.

    Each row of the answer has the index of its image, so it can be added as columns to a shuffled or filtered frame.
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
    """Says why an image is refused: for other exceptions MLflow's server sends a traceback without the reason."""

    def serialize_as_json(self) -> str:
        self.message = str(self)  # the server put the whole input in front of it
        return str(super().serialize_as_json())


def _one_in_a_row(column: pd.Series) -> pd.Series:
    """Unpack a single row that holds a list: MLflow reads `{"inputs": {"image": [one, another]}}` as such a row."""
    return pd.Series(column.iloc[0]) if len(column) == 1 and isinstance(column.iloc[0], list) else column


def _image(row: Any, value: Any) -> Image:
    try:
        return as_image(value)
    except UserError as error:
        raise RefusedImage(f"image {row}: {error}", INVALID_PARAMETER_VALUE) from None


mlflow.models.set_model(ServedClassifier())
