"""A trained classifier as an MLflow model: MLflow runs this file when it loads one.

model = mlflow.pyfunc.load_model("models:/<identifier>")
model.predict(pandas.DataFrame({"image": ["photo.jpg"]}))
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

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
        prediction, confidence = self._classifier.predict([as_image(value) for value in model_input["image"]])
        return pd.DataFrame({"prediction": prediction, "confidence": confidence}, index=model_input.index)


mlflow.models.set_model(ServedClassifier())
