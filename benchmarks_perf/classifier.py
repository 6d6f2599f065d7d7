"""The classifier: every sample through the frozen network, against features of views that are computed once."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from benchmarks_perf import report, seconds
from datasets.base import DATASETS
from datasets.few_shot import few_shot_task
from evaluation.backbones import load_backbone
from evaluation.classifier import TrainingFeatures, train_head
from evaluation.features import embed_images, embed_views
from evaluation.settings import ClassifierSettings
from evaluation.views import standard_view, view_seed


def main(
    backbone: str = "efficientnet_lite0",
    image_size: int = 128,
    views: int = 10,
    timed: Annotated[int, typer.Option(help="samples that the plain way's pace is measured on")] = 640,
) -> None:
    """Time a classifier of the paper's 50 × 200 × 32 samples on 4 shots of mini_focus.

    The plain way's pace is measured on `timed` samples, and its total is computed from that.
    """
    network = load_backbone(backbone, image_size)
    settings = ClassifierSettings(backbone, image_size, learning_rate=1e-3, views_per_image=views)
    task = few_shot_task("mini_focus", DATASETS["mini_focus"](), 4, 0)
    images = [task.image(example) for example in task.train]
    labels = np.array([example.label for example in task.train])
    validation = embed_images(network, (task.image(example) for example in task.validation))
    validation_labels = np.array([example.label for example in task.validation])

    def embed(count: int) -> np.ndarray:
        seeds = [[view_seed("standard", str(i), number, 0) for number in range(count)] for i in range(len(images))]
        return embed_views(network, images, seeds, standard_view)

    def cached() -> None:
        features = TrainingFeatures(embed(views), labels)
        train_head(features, validation, validation_labels, len(task.classes), settings, 0.0, 0)

    embed(1)
    per_sample = seconds(lambda: embed(timed // len(images))) / (timed // len(images) * len(images))
    samples = settings.epochs * settings.iterations * settings.batch_size
    report(f"{samples:,} samples, plain way computed from {timed}", per_sample * samples, seconds(cached), "s")


if __name__ == "__main__":
    typer.run(main)
