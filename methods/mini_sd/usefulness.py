"""How useful mini_sd's pictures are to a classifier: the accuracy of a linear probe trained only on them.

python -m methods.mini_sd.usefulness methods/mini_sd/weights
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from diffusers import StableDiffusionPipeline
from numpy.random import Generator
from PIL import Image

from datasets.mini_focus import CATEGORIES, Scene, sample_common, sample_uncommon
from datasets.scripts import run_script
from evaluation.accuracy import mean_class_accuracy
from evaluation.arrays import Pixels, Singles
from evaluation.backbones import load_backbone
from evaluation.classifier import TrainingFeatures, train_head
from evaluation.features import embed_images
from evaluation.frozen import Backbone
from evaluation.settings import ClassifierSettings
from methods.mini_sd.sampling import (
    ETA,
    GUIDANCE_SCALE,
    edit,
    image_to_image,
    open_pipeline,
    prompts_of,
    renders_of,
    scenes_of,
    text_to_image,
)

SETTINGS = ClassifierSettings(epochs=20, iterations=50, learning_rate=1e-3, tested_epoch="last")
"""The settings of the preset `mini`."""
IMAGE_SIZE = 192
"""Side in pixels of the pictures that the backbone sees, as in the preset `mini`."""
SEED = 3_000_000
"""Seed of the scenes on which a probe is tested."""
TESTED_PER_CLASS = 60


def main(
    weights: Path,
    per_class: Annotated[int, typer.Option(help="training pictures per class")] = 16,
    draws: Annotated[int, typer.Option(help="number of training sets, each from its own seed")] = 5,
    guidance_scale: float = GUIDANCE_SCALE,
    steps: int = 25,
    eta: Annotated[float, typer.Option(help="share of fresh noise in each denoising step")] = ETA,
    image_size: Annotated[int, typer.Option(help="side in pixels of the pictures that the backbone sees")] = IMAGE_SIZE,
    strength: Annotated[
        list[float] | None,
        typer.Option(
            help="also train on renders re-rendered at this strength under their own captions; may be repeated"
        ),
    ] = None,
) -> None:
    """Print the accuracy of a probe trained on renders and of one trained on generated pictures of the same scenes.

    Re-rendering at a low strength shows the loss due to the codec, at higher strengths that due to the denoiser.
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
) -> Iterator[tuple[str, Pixels]]:
    """Training sets by name: pictures of the same scenes, less and less like their renders."""
    renders, prompts = renders_of(scenes), prompts_of(scenes, seed=draw)
    yield "renders", renders
    for strength in strengths:
        edited = edit(image_to_image(pipeline), renders, prompts, strength, guidance_scale, steps, eta)
        yield f"renders re-rendered at {strength:g}", edited
    yield "text-to-image", text_to_image(pipeline, prompts, guidance_scale, steps, draw, eta)


def test_sets(backbone: Backbone) -> dict[str, tuple[Singles, np.ndarray]]:
    """Features and labels of scenes in common and uncommon settings, none of which the benchmark uses.

    A generator that is selected on the images used to measure it would look better than it is.
    """
    drawn = {"common": sample_common, "uncommon": sample_uncommon}
    return {name: embedded(backbone, scenes_by(sample, SEED, TESTED_PER_CLASS)) for name, sample in drawn.items()}


def scenes_by(sample: Callable[[Generator, str], Scene], seed: int, per_class: int) -> list[Scene]:
    """`per_class` scenes of each class."""
    draws = ((index, name) for index in range(per_class) for name in CATEGORIES)
    return [sample(np.random.default_rng([seed, index, CATEGORIES.index(name)]), name) for index, name in draws]


def embedded(backbone: Backbone, scenes: Sequence[Scene]) -> tuple[Singles, np.ndarray]:
    """Features and labels of the scenes' renders."""
    return features(backbone, renders_of(scenes)), np.array([CATEGORIES.index(scene.category) for scene in scenes])


def features(backbone: Backbone, pictures: Pixels) -> Singles:
    return embed_images(backbone, [Image.fromarray(picture) for picture in pictures])


def probe(training: Singles, labels: np.ndarray, tests: Sequence[tuple[Singles, np.ndarray]], seed: int) -> list[float]:
    """Mean per-class accuracy on each test set, for a head trained on plain views (N, D) without validation images."""
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
