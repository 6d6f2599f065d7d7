"""One cell: what a method's images do for the classifier, and how good and how diverse they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmark.embedding import Features, real_pictures, synthetic_pictures
from benchmark.tools import LocalTools, labels_of
from datasets.base import Example
from datasets.few_shot import FewShotTask
from datasets.seeding import seed_from
from methods.base import SyntheticSet

if TYPE_CHECKING:
    from evaluation.classifier import Head

Table = dict[str, list[Any]]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellResult:
    """Metrics by name, in [0, 1]; tables by name, each column name → values."""

    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)


def evaluate(task: FewShotTask, synthetic: SyntheticSet, alpha: float, tools: LocalTools) -> CellResult:
    """Train the classifier on the task's real and synthetic images and judge both.

    `alpha` is Eq. 2's probability of a synthetic image. A method without images has no precision or recall.
    """
    result = CellResult()
    head = _train(task, synthetic, alpha, tools)
    for name, examples in {"val": task.validation, **task.tests}.items():
        if examples:
            _judge(name, head, task, examples, tools, result)
    if synthetic.images:
        result.metrics.update(_precision_recall(task, synthetic, tools))
        result.tables["plan"] = plan_table(task, synthetic)
    return result


def plan_table(task: FewShotTask, synthetic: SyntheticSet) -> Table:
    """The plan as it was carried out: a line for each image, with its weight and its file's fingerprint."""
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


def _train(task: FewShotTask, synthetic: SyntheticSet, alpha: float, tools: LocalTools) -> Head:
    from evaluation.classifier import TrainingFeatures, train_head

    settings, embedder = tools.settings.classifier, tools.classifier_embedder
    real = embedder.embed(real_pictures(task.dataset, task.train), "standard", settings.views_per_image)
    made = embedder.embed(synthetic_pictures(synthetic.images), "standard", settings.views_per_synthetic)
    features = TrainingFeatures(
        real=real,
        labels=labels_of(task.train),
        synthetic=made if synthetic.images else None,
        guides=np.array([image.guide for image in synthetic.images], dtype=np.int64),
        weights=np.array([image.weight for image in synthetic.images], dtype=np.float64),
    )
    validation = embedder.embed(real_pictures(task.dataset, task.validation))[:, 0]
    seed = seed_from("classifier", task.name, task.shots, task.seed)
    with tools.stages.stage("classifier"):
        return train_head(
            features,
            validation,
            labels_of(task.validation),
            len(task.classes),
            settings,
            alpha if synthetic.images else 0.0,
            seed,
        )


def _judge(
    name: str, head: Head, task: FewShotTask, examples: Sequence[Example], tools: LocalTools, result: CellResult
) -> None:
    from evaluation.accuracy import confusion_matrix, mean_class_accuracy, per_class_accuracy

    labels, classes = labels_of(examples), len(task.classes)
    predictions = head.predict(tools.classifier_embedder.embed(real_pictures(task.dataset, examples))[:, 0])
    result.metrics[f"accuracy/{name}"] = mean_class_accuracy(predictions, labels, classes)
    accuracy = per_class_accuracy(predictions, labels, classes)
    column = result.tables.setdefault("accuracy_per_class", {"class": list(task.classes)})
    column[name] = [None if math.isnan(value) else float(value) for value in accuracy]
    matrix = confusion_matrix(predictions, labels, classes)
    predicted = {noun: [int(count) for count in matrix[:, i]] for i, noun in enumerate(task.classes)}
    result.tables[f"confusion_matrix_{name}"] = {"true class": list(task.classes), **predicted}


def _precision_recall(task: FewShotTask, synthetic: SyntheticSet, tools: LocalTools) -> Mapping[str, float]:
    """Of the synthetic images against all test sets together, as FOCUS' one test set holds every setting.

    A figure that is not defined (a set of no more images than neighbours) is left out.
    """
    from evaluation.precision_recall import class_mean_precision_recall, precision_recall

    settings = tools.settings.features
    embedder = tools.embedder(settings.name, settings.image_size)
    tests = [task.tests[name] for name in sorted(task.tests)]
    real: Features = np.concatenate([embedder.embed(real_pictures(task.dataset, part))[:, 0] for part in tests])
    made = embedder.embed(synthetic_pictures(synthetic.images))[:, 0]
    real_labels: Labels = np.concatenate([labels_of(part) for part in tests])
    made_labels = np.array([image.label for image in synthetic.images], dtype=np.int64)
    with tools.stages.stage("precision_recall"):
        pooled = precision_recall(real, made, settings.neighbours)
        by_class = class_mean_precision_recall(real, real_labels, made, made_labels, settings.neighbours)
    values = {
        "precision/pooled": pooled.precision,
        "recall/pooled": pooled.recall,
        "precision/class_mean": by_class.precision,
        "recall/class_mean": by_class.recall,
    }
    return {name: value for name, value in values.items() if not math.isnan(value)}
