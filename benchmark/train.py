"""The downstream classifier of a cell: a head trained on features of views, which the store keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.embedding import Picture, real_pictures, synthetic_pictures
from benchmark.tools import LocalTools, labels_of
from datasets.base import Dataset, Example
from datasets.few_shot import FewShotTask
from datasets.seeding import seed_from
from evaluation.arrays import Singles
from methods.base import SyntheticSet

if TYPE_CHECKING:
    from evaluation.classifier import Head


@dataclass(frozen=True)
class Classifier:
    """A trained classifier of a dataset's images, with a backbone that was frozen or that drifted.

    head: the trained layer on the backbone's features.
    picture_logits: computes logits (N, C) of N pictures without augmentation.
    """

    dataset: Dataset
    head: Head
    picture_logits: Callable[[Sequence[Picture]], Singles]

    def logits(self, examples: Sequence[Example]) -> Singles:
        """Logits (N, C), float32."""
        return self.picture_logits(real_pictures(self.dataset, examples))


def train_classifier(task: FewShotTask, synthetic: SyntheticSet, alpha: float, tools: LocalTools) -> Classifier:
    """Train on the task's real and synthetic images; `alpha` is Eq. 2's probability of choosing a synthetic one."""
    alpha = alpha if synthetic.images else 0.0
    seed = seed_from("classifier", task.name, task.shots, task.seed)
    if tools.settings.classifier.backbone_mode == "train":
        from benchmark.drifting import train_drifting

        head, logits = train_drifting(task, synthetic, alpha, seed, tools)
        return Classifier(task.dataset, head, logits)
    head, embedder = _train_on_cached_views(task, synthetic, alpha, seed, tools), tools.classifier_embedder
    return Classifier(task.dataset, head, lambda pictures: head.logits(embedder.embed(pictures)[:, 0]))


def _train_on_cached_views(
    task: FewShotTask, synthetic: SyntheticSet, alpha: float, seed: int, tools: LocalTools
) -> Head:
    from evaluation.classifier import TrainingFeatures, train_head

    settings, embedder = tools.settings.classifier, tools.classifier_embedder
    real = embedder.embed(real_pictures(task.dataset, task.train), settings.transform, settings.views_per_image)
    made = embedder.embed(synthetic_pictures(synthetic.images), settings.transform, settings.views_per_synthetic)
    features = TrainingFeatures(
        real=real,
        labels=labels_of(task.train),
        synthetic=made if synthetic.images else None,
        guides=synthetic.guides,
        weights=synthetic.weights,
    )
    validation = embedder.embed(real_pictures(task.dataset, task.validation))[:, 0]
    with tools.stages.stage("classifier"):
        return train_head(features, validation, labels_of(task.validation), len(task.classes), settings, alpha, seed)
