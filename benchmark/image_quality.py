"""Quality and diversity of a method's images: all measures computed from features of synthetic and real images."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from benchmark.embedding import Picture, real_pictures, synthetic_pictures
from benchmark.tools import LocalTools, labels_of
from datasets.base import Example
from datasets.few_shot import FewShotTask
from datasets.seeding import fingerprint
from evaluation.arrays import Doubles, Indices, Singles
from evaluation.settings import FeatureSettings
from methods.base import SyntheticSet

_RADII = "neighbour_radii"

ByClass = Mapping[tuple[str, str], Mapping[int, tuple[float, float]]]
"""Names of two measures → label → the class's values of both."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RealSet:
    """Features of the real test images, (N, D), and distances among them, each (N,), which all methods share.

    `radii` and `class_radii` are distances to the k-th neighbour for precision and recall; `density_radii` and
    `density_class_radii` are those for density and coverage.
    """

    features: Singles
    labels: Indices
    radii: Doubles
    class_radii: Doubles
    density_radii: Doubles
    density_class_radii: Doubles


@dataclass(frozen=True)
class ImageQuality:
    """metrics: by name; by_class: a table with one row per class, where undefined values are None."""

    metrics: dict[str, float]
    by_class: dict[str, list[Any]]


def image_quality(task: FewShotTask, synthetic: SyntheticSet, tools: LocalTools) -> ImageQuality:
    """Measure the synthetic images against the real set that `features.real_set` chooses.

    Undefined metrics (of a set with no more images than neighbours) are left out.
    """
    settings = tools.settings.features
    embedder = tools.feature_embedder
    made = embedder.embed(synthetic_pictures(synthetic.images))[:, 0]
    train, held_out = (
        embedder.embed(real_pictures(task.dataset, part))[:, 0]
        for part in (task.train, [*chain(*_test_alone(task).values())])
    )
    real = _real_set(task, tools)
    _tell_left_out("precision and recall", real.labels, task, settings.neighbours)
    _tell_left_out("density and coverage", real.labels, task, settings.density_neighbours)
    with tools.stages.stage("image_quality"):
        by_class = _by_class(real, made, synthetic.labels, settings)
        values = {
            **_pooled(real, made, settings),
            **_class_means(by_class),
            **_diversity(real, made, synthetic.labels),
            **_copies(made, train, held_out),
        }
    metrics = {name: value for name, value in values.items() if not math.isnan(value)}
    return ImageQuality(metrics, _table(task, synthetic, by_class))


def _tell_left_out(measures: str, labels: Indices, task: FewShotTask, neighbours: int) -> None:
    from evaluation.feature_sets import counted_classes

    out = sorted(set(range(len(task.classes))) - set(counted_classes(labels, neighbours).tolist()))
    if out:
        names = ", ".join(task.classes[label] for label in out[:5]) + (" …" if out[5:] else "")
        logger.warning(
            "%s by class leave out %d of %d classes, those with at most %d test images: %s",
            measures, len(out), len(task.classes), neighbours, names,
        )  # fmt: skip


def _pooled(real: RealSet, made: Singles, settings: FeatureSettings) -> Mapping[str, float]:
    """Measures over the images of all classes together."""
    from evaluation.density_coverage import density_coverage
    from evaluation.precision_recall import precision_recall

    near = precision_recall(real.features, made, settings.neighbours, real.radii)
    dense = density_coverage(real.features, made, settings.density_neighbours, real.density_radii)
    return {
        "precision/pooled": near.precision,
        "recall/pooled": near.recall,
        "density/pooled": dense.density,
        "coverage/pooled": dense.coverage,
    }


def _by_class(real: RealSet, made: Singles, labels: Indices, settings: FeatureSettings) -> ByClass:
    from evaluation.density_coverage import density_coverage
    from evaluation.feature_sets import of_each_class
    from evaluation.precision_recall import precision_recall

    sets = (real.features, real.labels, made, labels)
    dense = (settings.density_neighbours, real.density_class_radii)
    return {
        ("precision", "recall"): of_each_class(precision_recall, *sets, settings.neighbours, real.class_radii),
        ("density", "coverage"): of_each_class(density_coverage, *sets, *dense),
    }


def _class_means(by_class: ByClass) -> Mapping[str, float]:
    from evaluation.feature_sets import class_means

    return {
        f"{name}/class_mean": mean
        for names, figures in by_class.items()
        for name, mean in zip(names, class_means(figures), strict=True)
    }


def _table(task: FewShotTask, synthetic: SyntheticSet, by_class: ByClass) -> dict[str, list[Any]]:
    """A table of each class's display name, its number of synthetic images, and its measures."""
    made = Counter(synthetic.labels.tolist())
    labels = range(len(task.classes))
    table: dict[str, list[Any]] = {"class": list(task.dataset.display_names), "images": [made[i] for i in labels]}
    for names, figures in by_class.items():
        columns = zip(*(figures.get(label, (math.nan, math.nan)) for label in labels), strict=True)
        for name, column in zip(names, columns, strict=True):
            table[name] = [None if math.isnan(value) else value for value in column]
    return table


def _diversity(real: RealSet, made: Singles, labels: Indices) -> Mapping[str, float]:
    from evaluation.frechet_distance import frechet_distance
    from evaluation.vendi_score import class_mean_vendi_score, vendi_score

    return {
        "frechet_distance/pooled": frechet_distance(real.features, made),
        "vendi_score/pooled": vendi_score(made),
        "vendi_score/class_mean": class_mean_vendi_score(made, labels),
    }


def _copies(made: Singles, train: Singles, held_out: Singles) -> Mapping[str, float]:
    from evaluation.near_copies import authenticity, near_copy_share, nearest_distance

    reference = nearest_distance(held_out, train)
    return {
        "near_copies/pooled": near_copy_share(nearest_distance(made, train), reference),
        "authenticity/pooled": authenticity(made, train),
    }


def _test_alone(task: FewShotTask) -> Mapping[str, Sequence[Example]]:
    """The test set `test`, whose images are like the training images; all test sets if none has that name.

    It is the reference for near-copies, whatever the real set. Uncommon settings are farther from the training images,
    so with them in the reference more synthetic images would count as near-copies. Validation images would do as well,
    but some datasets have only one per class.
    """
    return {"test": task.tests["test"]} if "test" in task.tests else task.tests


def _real_set(task: FewShotTask, tools: LocalTools) -> RealSet:
    """The real set; what depends on it alone is computed once and stored for the other methods."""
    embedder = tools.feature_embedder
    tests = _test_alone(task) if tools.settings.features.real_set == "test" else task.tests
    parts = [tests[name] for name in sorted(tests)]
    pictures = [picture for part in parts for picture in real_pictures(task.dataset, part)]
    labels: Indices = np.concatenate([labels_of(part) for part in parts])
    features = np.concatenate([embedder.embed(real_pictures(task.dataset, part))[:, 0] for part in parts])
    return RealSet(features, labels, *_distances(features, labels, pictures, tools))


def _distances(features: Singles, labels: Indices, pictures: list[Picture], tools: LocalTools) -> Doubles:
    """The four distance arrays of a `RealSet`, stacked to (4, N)."""
    from evaluation.neighbours import class_neighbour_radii, neighbour_radii

    settings = tools.settings.features
    backbone = tools.feature_embedder.backbone.fingerprint
    counts = (settings.neighbours, settings.density_neighbours)
    key = fingerprint(_RADII, backbone, counts, [picture.digest for picture in pictures], labels.tolist())
    stored = tools.store.array(_RADII, key)
    if stored is not None:
        return stored
    with tools.stages.stage("image_quality"):
        radii = [
            measured
            for count in counts
            for measured in (neighbour_radii(features, count), class_neighbour_radii(features, labels, count))
        ]
        distances: Doubles = np.stack(radii)
    tools.store.put_array(_RADII, key, distances)
    return distances
