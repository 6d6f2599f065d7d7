"""The classifiers of `backbone_mode: train`, whose networks drift during training (`evaluation.batch_statistics`).

Another run cannot reuse their features, so the store keeps what is computed from them: the head with the network's
statistics, the logits of each list of pictures, and the guide classifier's confidences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.embedding import Picture, image_views, real_pictures, synthetic_pictures
from benchmark.tools import LocalTools, labels_of
from datasets.few_shot import FewShotTask
from datasets.seeding import fingerprint
from evaluation.arrays import Doubles, Singles
from evaluation.sampling import class_weights
from evaluation.settings import ClassifierSettings, GuideClassifierSettings
from evaluation.views import VERSION, VIEWS
from methods.base import SyntheticSet

if TYPE_CHECKING:
    from evaluation.calibration import Calibration
    from evaluation.classifier import Head
    from evaluation.through_network import ThroughNetwork

NO_IMAGES = SyntheticSet()


def train_drifting(
    task: FewShotTask, synthetic: SyntheticSet, alpha: float, seed: int, tools: LocalTools
) -> tuple[Head, Callable[[Sequence[Picture]], Singles]]:
    """The head, and a function that computes logits (N, C) of pictures with the network as training left it."""
    from evaluation.classifier import train_on

    settings = tools.settings.classifier
    balancing = _balancing(task, settings.validation) if settings.tested_epoch == "best" else ()
    key = _key("drifting classifier", task, synthetic, settings, (alpha, seed, *balancing), tools)
    stored = tools.store.array("classifiers", key)
    if stored is not None:
        head = _unpacked(stored)
    else:
        with tools.stages.stage("classifier", total=_samples(settings), unit="samples") as advance:
            source = _source(task, synthetic, settings.transform, settings, alpha, tools, advance)
            head = train_on(source, labels_of(task.validation), len(task.classes), settings, seed)
        tools.store.put_array("classifiers", key, _packed(head))
    return head, partial(_logits, key=key, head=head, tools=tools)


def drifting_confidence(task: FewShotTask, synthetic: SyntheticSet, seed: int, tools: LocalTools) -> Doubles:
    """The drifted guide classifier's calibrated probability of each image's own label: (images,), in [0, 1]."""
    from evaluation.guide_classifier import judge, train_guide_on

    settings, pictures = tools.settings.guide_classifier, synthetic_pictures(synthetic.images)
    key = _key("drifting confidence", task, synthetic, settings, (seed, *_balancing(task, settings.validation)), tools)
    stored, facts = tools.store.array("confidence", key), tools.store.json("calibration", key)
    if stored is not None and facts is not None:
        tools.calibration = _calibration(facts)
        return stored
    labels = labels_of(task.validation)
    with tools.stages.stage("confidence", total=_samples(settings), unit="samples") as advance:
        source = _source(task, NO_IMAGES, "rand_augment", settings, 0.0, tools, advance)
        head = train_guide_on(source, labels, len(task.classes), settings, seed)
        logits = head.logits(_features(real_pictures(task.dataset, task.validation), head, tools)[:, 0])
        views = _features(pictures, head, tools, settings.confidence_transform, settings.confidence_views)
        result = judge(head, logits, labels, views, synthetic.labels, settings, seed)
    tools.calibration = result.calibration
    tools.store.put_array("confidence", key, result.confidence)
    tools.store.put_json("calibration", key, {k: np.asarray(v).tolist() for k, v in vars(result.calibration).items()})
    return result.confidence


def _calibration(facts: dict[str, Any]) -> Calibration:
    """Restore a stored calibration. Lists become arrays; one stored before weights existed gets weights of 1."""
    from evaluation.calibration import Calibration

    values: dict[str, Any] = {k: np.array(v) if isinstance(v, list) else v for k, v in facts.items()}
    return Calibration(**{"weights": np.ones(len(values["correct"])), **values})


def _source(
    task: FewShotTask,
    synthetic: SyntheticSet,
    view: str,
    settings: ClassifierSettings | GuideClassifierSettings,
    alpha: float,
    tools: LocalTools,
    advance: Callable[[int], None],
) -> ThroughNetwork:
    """The samples of a training run that starts from the published network."""
    from evaluation.through_network import ThroughNetwork, TrainingImages

    images = TrainingImages(
        real=_loads(real_pictures(task.dataset, task.train)),
        labels=labels_of(task.train),
        synthetic=_loads(synthetic_pictures(synthetic.images)),
        guides=synthetic.guides,
        weights=synthetic.weights,
    )
    validation, backbone = _loads(real_pictures(task.dataset, task.validation)), tools.drifting_backbone
    backbone.restore(None)
    return ThroughNetwork(backbone, images, validation, VIEWS[view], settings, alpha, tools.workers, advance)


def _features(
    pictures: Sequence[Picture], head: Head, tools: LocalTools, view: str = "plain", views: int = 1
) -> Singles:
    """Features (N, V, D) from the network as the head's training left it."""
    from evaluation.features import embed_pixels, load_pixels

    backbone, images = tools.drifting_backbone, image_views(pictures, view, views)
    backbone.restore(head.statistics)
    with closing(load_pixels(backbone, images, VIEWS[view], tools.workers)) as pixels:
        return embed_pixels(backbone, pixels).reshape(len(pictures), views, backbone.dimension)


def _logits(pictures: Sequence[Picture], key: str, head: Head, tools: LocalTools) -> Singles:
    address = fingerprint("logits", key, [picture.digest for picture in pictures])
    logits = tools.store.array("logits", address)
    if logits is None:
        with tools.stages.stage("features"):
            logits = head.logits(_features(pictures, head, tools)[:, 0])
        tools.store.put_array("logits", address, logits)
    return logits


def _key(
    what: str, task: FewShotTask, synthetic: SyntheticSet, settings: Any, more: Sequence[Any], tools: LocalTools
) -> str:
    """The store address of a training run: a fingerprint of everything that it depends on, by content."""
    parts = [
        [
            (picture.digest, example.label)
            for picture, example in zip(real_pictures(task.dataset, part), part, strict=True)
        ]
        for part in (task.train, task.validation)
    ]
    made = [(image.path.stem, image.guide, image.weight) for image in synthetic.images]
    # A drifting network computes in float32 whatever the setting `dtype`.
    effective = {name: value for name, value in asdict(settings).items() if name != "dtype"}
    network = tools.drifting_backbone.fingerprint
    return fingerprint(what, network, effective, parts, made, len(task.classes), more, VERSION)


def _balancing(task: FewShotTask, validation: str) -> tuple[str, ...]:
    """A part of the address if validation images are weighted by class; empty otherwise, as before weights existed."""
    weighted = validation == "once" and (class_weights(labels_of(task.validation)) != 1).any()
    return ("classes count alike in the validation loss",) if weighted else ()


def _packed(head: Head) -> Doubles:
    """The head as one array, so that the store writes it either completely or not at all."""
    assert head.statistics is not None
    facts = [*head.weight.shape, head.epoch, head.validation_accuracy]
    return np.concatenate([facts, head.weight.ravel(), head.bias, head.statistics]).astype(np.float64)


def _unpacked(array: Doubles) -> Head:
    from evaluation.classifier import Head

    classes, dimension, epoch = (int(value) for value in array[:3])
    weight, bias, statistics = np.split(array[4:].astype(np.float32), np.cumsum([classes * dimension, classes]))
    return Head(weight.reshape(classes, dimension), bias, epoch, float(array[3]), statistics)


def _samples(settings: ClassifierSettings | GuideClassifierSettings) -> int:
    return settings.epochs * settings.iterations * settings.batch_size


def _loads(pictures: Sequence[Picture]) -> list[Callable[[], Any]]:
    return [picture.load for picture in pictures]
