"""The downstream classifier of a cell: features of views, kept in the store, and a head trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.embedding import real_pictures, synthetic_pictures
from benchmark.tools import LocalTools, labels_of
from datasets.few_shot import FewShotTask
from datasets.seeding import seed_from
from methods.base import SyntheticSet

if TYPE_CHECKING:
    from evaluation.classifier import Head


def train_classifier(task: FewShotTask, synthetic: SyntheticSet, alpha: float, tools: LocalTools) -> Head:
    """Train on the task's real and synthetic images; `alpha` is Eq. 2's probability of a synthetic one."""
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
