"""What mini_sd's pictures are worth to a classifier: a linear probe that is trained on them alone.

python -m methods.mini_sd.usefulness methods/mini_sd/weights
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from diffusers import StableDiffusionPipeline
from PIL import Image

from datasets.base import Example
from datasets.mini_focus import CATEGORIES, Scene
from datasets.mini_focus.dataset import MiniFocus
from datasets.scripts import run_script
from evaluation.accuracy import mean_class_accuracy
from evaluation.backbones import load_backbone
from evaluation.classifier import TrainingFeatures, train_head
from evaluation.frozen import Backbone, FloatArray
from evaluation.settings import ClassifierSettings
from methods.mini_sd.sampling import (
    ETA,
    GUIDANCE_SCALE,
    Pictures,
    edit,
    image_to_image,
    open_pipeline,
    prompts_of,
    renders_of,
    scenes_of,
    text_to_image,
)

SETTINGS = ClassifierSettings(epochs=20, iterations=50, learning_rate=1e-3, tested_epoch="last")
"""Those of the preset `mini`."""
IMAGE_SIZE = 192
"""Pixels at which the backbone sees the pictures, as in the preset `mini`."""


def main(
    weights: Path,
    per_class: Annotated[int, typer.Option(help="pictures of each class to train on")] = 16,
    draws: Annotated[int, typer.Option(help="training sets, each from its own seed")] = 5,
    guidance_scale: float = GUIDANCE_SCALE,
    steps: int = 25,
    eta: Annotated[float, typer.Option(help="share of fresh noise in each denoising step")] = ETA,
    image_size: Annotated[int, typer.Option(help="pixels at which the backbone sees the pictures")] = IMAGE_SIZE,
    strength: Annotated[
        list[float] | None, typer.Option(help="also renders re-rendered under their own captions; may be repeated")
    ] = None,
) -> None:
    """Print accuracy on the benchmark's test sets by renders, and by generated pictures of the same scenes.

    Renders that were re-rendered at a low strength tell what the codec costs, at higher ones what the denoiser does.
    """
    backbone, pipeline = load_backbone("efficientnet_lite0", image_size), open_pipeline(weights)
    tests = test_sets(backbone)
    scores: dict[str, list[list[float]]] = {}
    for draw in range(draws):
        scenes = scenes_of(per_class * len(CATEGORIES), seed=2_000_000 + draw)
        labels = np.array([CATEGORIES.index(scene.category) for scene in scenes])
        for name, pictures in training_sets(pipeline, scenes, draw, guidance_scale, steps, eta, strength or ()):
            accuracies = probe(features(backbone, pictures), labels, list(tests.values()), seed=draw)
            scores.setdefault(name, []).append(accuracies)
    for name, accuracies_of_draws in scores.items():
        mean, spread = np.mean(accuracies_of_draws, axis=0), np.std(accuracies_of_draws, axis=0, ddof=1)
        each = (f"{test} {m:.1%} ± {s:.1%}" for test, m, s in zip(tests, mean, spread, strict=True))
        print(f"{per_class} {name} a class, mean and deviation of {draws}: {', '.join(each)}")


def training_sets(
    pipeline: StableDiffusionPipeline,
    scenes: Sequence[Scene],
    draw: int,
    guidance_scale: float,
    steps: int,
    eta: float,
    strengths: Sequence[float],
) -> Iterator[tuple[str, Pictures]]:
    """What a probe is trained on, by name: pictures of the same scenes, further and further from their renders."""
    renders, prompts = renders_of(scenes), prompts_of(scenes, seed=draw)
    yield "renders", renders
    for strength in strengths:
        edited = edit(image_to_image(pipeline), renders, prompts, strength, guidance_scale, steps, eta)
        yield f"renders re-rendered at {strength:g}", edited
    yield "text-to-image", text_to_image(pipeline, prompts, guidance_scale, steps, draw, eta)


def test_sets(backbone: Backbone) -> dict[str, tuple[FloatArray, np.ndarray]]:
    """Features and labels of the benchmark's own test sets."""
    dataset = MiniFocus()

    def of(examples: Sequence[Example]) -> tuple[FloatArray, np.ndarray]:
        images = backbone.embed([dataset.load(example) for example in examples])
        return images, np.array([example.label for example in examples])

    return {name: of(examples) for name, examples in dataset.splits(seed=0).tests.items()}


def features(backbone: Backbone, pictures: Pictures) -> FloatArray:
    return backbone.embed([Image.fromarray(picture) for picture in pictures])


def probe(
    training: FloatArray, labels: np.ndarray, tests: Sequence[tuple[FloatArray, np.ndarray]], seed: int
) -> list[float]:
    """Mean per-class accuracy on each test set of a head trained on plain views (N, D) without validation images."""
    head = train_head(
        TrainingFeatures(training[:, None], labels),
        validation_features=np.empty((0, training.shape[1]), np.float32),
        validation_labels=np.empty(0, np.int64),
        classes=len(CATEGORIES),
        settings=SETTINGS,
        alpha=0.0,
        seed=seed,
    )
    return [mean_class_accuracy(head.predict(inputs), truth, len(CATEGORIES)) for inputs, truth in tests]


if __name__ == "__main__":
    run_script(main)
