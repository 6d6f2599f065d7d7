"""What cached views cost in accuracy and save in time: the product's classifier against one trained on fresh views.

Fresh views are the plain way: each training sample is a new view, passed through the frozen network. Both ways have the
same tasks, initial weights, optimiser, validation and test sets.

python -m benchmarks_perf.classifier_accuracy --data-root DIR
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated

import numpy as np
import torch
import typer
from PIL.Image import Image

import methods  # noqa: F401  (registers the methods, which settings know)
from benchmark.embedding import Embedder, real_pictures
from benchmark.progress import Stages
from benchmark.setting_checks import parse_numbers
from benchmark.settings import RunSettings, open_dataset, resolve_settings
from benchmark.store import Store
from benchmark.tools import LocalTools, Models, labels_of
from benchmark.train import Classifier, train_classifier
from benchmarks_perf import seconds
from datasets.few_shot import FewShotTask, few_shot_task
from datasets.scripts import run_script
from datasets.seeding import seed_from
from evaluation.accuracy import mean_class_accuracy
from evaluation.arrays import Singles
from evaluation.classifier import train_on
from evaluation.features import ImageViews, embed_pixels, load_pixels
from evaluation.sampling import balanced, draw
from evaluation.views import VIEWS
from methods.base import SyntheticSet


class FreshViews:
    """A `classifier.FeatureSource` of the task's real images in which every sample is a new view."""

    def __init__(self, task: FewShotTask, tools: LocalTools) -> None:
        embedder = tools.classifier_embedder
        self.dimension = embedder.backbone.dimension
        self._backbone, self._workers, self._settings = embedder.backbone, embedder.workers, tools.settings.classifier
        # Decoded once, which favours the plain way: only views and features are timed.
        self._images = [task.image(example) for example in task.train]
        self._labels = labels_of(task.train)
        self._probabilities = balanced(self._labels)
        self._validation = embedder.embed(real_pictures(task.dataset, task.validation))[:, 0]

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of one epoch: features (B, D) and labels (B,)."""
        size = self._settings.batch_size
        picks = draw(*self._probabilities, size * self._settings.iterations, rng)
        seeds = rng.integers(2**62, size=len(picks)).tolist()
        jobs = [ImageViews(partial(self._image, pick), (seed,)) for pick, seed in zip(picks, seeds, strict=True)]
        view = VIEWS[self._settings.transform]
        with closing(load_pixels(self._backbone, jobs, view, self._workers)) as pixels:
            features = torch.from_numpy(embed_pixels(self._backbone, pixels))
        labels = torch.from_numpy(self._labels[picks])
        return zip(features.split(size), labels.split(size), strict=True)

    def validation(self) -> Singles:
        return self._validation

    def statistics(self) -> None:
        """None: the network stays as it was published."""

    def _image(self, index: int) -> Image:
        return self._images[index]


@dataclass(frozen=True)
class Comparison:
    """Both ways at one seed: mean per-class accuracy in [0, 1] by test set, and seconds of training."""

    cached: dict[str, float]
    fresh: dict[str, float]
    cached_seconds: float
    fresh_seconds: float


def main(
    data_root: Annotated[Path, typer.Option(help="folder that contains the dataset's folder")],
    dataset: str = "custom_coco",
    seeds: str = "0,1,2",
    shots: int = 4,
    epochs: int = 20,
    iterations: int = 50,
    image_size: Annotated[int, typer.Option(help="in pixels")] = 128,
    preset: Annotated[str, typer.Option(help="preset from which the classifier takes its other settings")] = "mini",
) -> None:
    """Compare training on cached views with training on fresh ones, on real photos alone.

    Prints the accuracies, their difference and the ratio of times.
    """
    lengths = {"epochs": epochs, "iterations": iterations, "image_size": image_size}
    settings = resolve_settings(
        method="standard",
        dataset=dataset,
        data_root=str(data_root),
        preset=preset,
        overrides=tuple(f"classifier.{name}={value}" for name, value in lengths.items()),
    )
    chosen = settings.classifier
    samples = epochs * iterations * chosen.batch_size
    print(
        f"{dataset}, {shots} shots, {chosen.backbone} at {image_size} px, {samples:,} samples, "
        f"{chosen.views_per_image} cached views an image; mean per-class accuracy in %"
    )
    comparisons = []
    for seed in parse_numbers("seeds", seeds, minimum=0):
        comparisons.append(_compare(few_shot_task(dataset, open_dataset(settings), shots, seed), settings))
        print(f"seed {seed}: {_line(comparisons[-1])}", flush=True)
    _report(comparisons)


def _compare(task: FewShotTask, settings: RunSettings) -> Comparison:
    """Both ways on one task; the first pass through the network, and what both share, are not timed."""
    with tempfile.TemporaryDirectory() as folder:
        tools = LocalTools(settings, Models(Store(Path(folder)), Stages(quiet=True)), task)
        embedder, fresh = tools.classifier_embedder, FreshViews(task, tools)
        cached_seconds, cached = _timed(lambda: train_classifier(task, SyntheticSet(), 0.0, tools))
        fresh_seconds, plain = _timed(lambda: _train_on_fresh_views(task, fresh, settings, embedder))
        return Comparison(_accuracies(task, cached), _accuracies(task, plain), cached_seconds, fresh_seconds)


def _train_on_fresh_views(
    task: FewShotTask, views: FreshViews, settings: RunSettings, embedder: Embedder
) -> Classifier:
    seed = seed_from("classifier", task.name, task.shots, task.seed)  # as in the product
    head = train_on(views, labels_of(task.validation), len(task.classes), settings.classifier, seed)
    return Classifier(task.dataset, head, lambda pictures: head.logits(embedder.embed(pictures)[:, 0]))


def _timed(train: Callable[[], Classifier]) -> tuple[float, Classifier]:
    made: list[Classifier] = []
    return seconds(lambda: made.append(train())), made[0]


def _accuracies(task: FewShotTask, classifier: Classifier) -> dict[str, float]:
    return {
        name: mean_class_accuracy(classifier.logits(examples).argmax(axis=1), labels_of(examples), len(task.classes))
        for name, examples in task.tests.items()
    }


def _line(seed: Comparison) -> str:
    pairs = (
        f"{name}: cached {100 * seed.cached[name]:.2f}, fresh {100 * seed.fresh[name]:.2f}" for name in seed.cached
    )
    return f"{'; '.join(pairs)}; {seed.cached_seconds:.1f} s against {seed.fresh_seconds:.1f} s"


def _report(comparisons: list[Comparison]) -> None:
    """Print mean differences over the seeds, their standard error if there are several, and the ratio of times."""
    for name in comparisons[0].cached:
        points = [100 * (seed.cached[name] - seed.fresh[name]) for seed in comparisons]
        error = f" ± {stdev(points) / len(points) ** 0.5:.2f}" if len(points) > 1 else ""
        print(f"{name}: cached − fresh {fmean(points):+.2f}{error} points over {len(points)} seeds")
    ratio = sum(seed.fresh_seconds for seed in comparisons) / sum(seed.cached_seconds for seed in comparisons)
    print(f"cached views are {ratio:.1f} times as fast")


if __name__ == "__main__":
    run_script(main)
