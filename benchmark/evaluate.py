"""Evaluation of one cell: how well its classifier performs, and the quality and diversity of a method's images."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.image_quality import image_quality
from benchmark.records import CALIBRATION, PLAN, columns
from benchmark.tools import LocalTools, labels_of
from benchmark.train import Classifier
from datasets.base import Example
from datasets.few_shot import FewShotTask
from evaluation.arrays import Indices, Singles
from methods.base import SyntheticSet

if TYPE_CHECKING:
    from evaluation.calibration import Calibration

Table = dict[str, list[Any]]


@dataclass(frozen=True)
class CellResult:
    """Metrics by name, with the ranges given in docs/records.md; tables by name, each a map of column name → values."""

    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)


def evaluate(task: FewShotTask, synthetic: SyntheticSet, classifier: Classifier, tools: LocalTools) -> CellResult:
    """Evaluate a task's classifier and the synthetic images, if the method made any."""
    result = CellResult()
    for name, examples in {"val": task.validation, **task.tests}.items():
        if examples:
            _judge(name, classifier, task, examples, result)
    if tools.calibration is not None:
        _calibration(tools.calibration, result)
    if synthetic.images:
        quality = image_quality(task, synthetic, tools)
        result.metrics.update(quality.metrics)
        result.tables["image_quality_per_class"] = quality.by_class
        result.tables[PLAN] = plan_table(task, synthetic)
    return result


def plan_table(task: FewShotTask, synthetic: SyntheticSet) -> Table:
    """The plan as carried out: one row per synthetic image, with its weight and the fingerprint that names its file."""
    images = synthetic.images
    return {
        "class": [task.classes[image.label] for image in images],
        "guide": [task.train[image.guide].identifier for image in images],
        "prompt": [image.row.prompt for image in images],
        "noise_std": [image.row.noise_std for image in images],
        "strength": [image.row.strength for image in images],
        "guidance_scale": [image.row.guidance_scale for image in images],
        "steps": [image.row.steps for image in images],
        "seed": [str(image.row.seed) for image in images],
        "weight": [image.weight for image in images],
        "image": [image.path.stem for image in images],
    }


def _judge(
    name: str, classifier: Classifier, task: FewShotTask, examples: Sequence[Example], result: CellResult
) -> None:
    """Add the results on one set: accuracy overall and by class and, for test sets, by attribute and by image."""
    from evaluation.accuracy import confusion_matrix, mean_class_accuracy, per_class_accuracy

    labels, classes, names = labels_of(examples), len(task.classes), task.dataset.display_names
    logits = classifier.logits(examples)
    predictions = np.asarray(logits.argmax(axis=1), np.int64)
    result.metrics[f"accuracy/{name}"] = mean_class_accuracy(predictions, labels, classes)
    accuracy = per_class_accuracy(predictions, labels, classes)
    column = result.tables.setdefault("accuracy_per_class", {"class": list(names)})
    column[name] = [None if math.isnan(value) else float(value) for value in accuracy]
    matrix = confusion_matrix(predictions, labels, classes)
    predicted = {noun: [int(count) for count in matrix[:, i]] for i, noun in enumerate(names)}
    rows = "true class" if "true class" not in names else "true class of the row"
    result.tables[f"confusion_matrix_{name}"] = {rows: list(names), **predicted}
    if name in task.tests:
        result.tables[f"predictions_{name}"] = _predictions_table(task, examples, logits)
        _slice(name, task, examples, predictions, result)


def _predictions_table(task: FewShotTask, examples: Sequence[Example], logits: Singles) -> Table:
    """One row per test image, from which every statistic of accuracy can be recomputed."""
    from scipy.special import softmax

    names, confidence = task.dataset.display_names, softmax(logits.astype(np.float64), axis=1)
    predictions = logits.argmax(axis=1)
    return {
        "image": [example.identifier for example in examples],
        "label": [names[example.label] for example in examples],
        "prediction": [names[int(prediction)] for prediction in predictions],
        "confidence": [round(float(own[best]), 6) for own, best in zip(confidence, predictions, strict=True)],
    }


def _slice(name: str, task: FewShotTask, examples: Sequence[Example], predictions: Indices, result: CellResult) -> None:
    """Add the accuracy for each value of the attributes that the dataset names, as metrics and as a table."""
    from evaluation.slices import slice_accuracies

    rows = []
    for attribute in task.dataset.slices:
        values = [example.attributes.get(attribute, "") for example in examples]
        for part in slice_accuracies(predictions, labels_of(examples), values, len(task.classes)):
            result.metrics[f"accuracy/{name}/{_metric_name(attribute)}/{_metric_name(part.value)}"] = part.accuracy
            rows.append((attribute, part.value, part.accuracy, part.images))
    if rows:
        result.tables[f"accuracy_by_attribute_{name}"] = columns(("attribute", "value", "accuracy", "images"), rows)


def _calibration(calibration: Calibration, result: CellResult) -> None:
    """Add how well the guide classifier is calibrated, before and after temperature scaling."""
    facts = {name: value for name, value in vars(calibration).items() if isinstance(value, float)}
    result.metrics.update({f"calibration/{name}": value for name, value in facts.items() if not math.isnan(value)})
    result.tables[CALIBRATION] = {
        "confidence_before": calibration.confidence_before.round(6).tolist(),
        "confidence_after": calibration.confidence_after.round(6).tolist(),
        "correct": calibration.correct.tolist(),
        "weight": calibration.weights.round(6).tolist(),
    }


def _metric_name(text: str) -> str:
    """The text as part of a metric's name: MLflow takes letters, digits and a few other signs, but no dots alone."""
    return re.sub(r"[^\w\-. ]|^\.+$", "_", text)
