"""The two protocols: which settings they set, and that each setting of the published code has an effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import datasets  # noqa: F401
from benchmark import drifting
from benchmark.evaluate import evaluate
from benchmark.settings import build_method, flatten, resolve_settings
from benchmark.train import train_classifier
from datasets.few_shot import FewShotTask
from evaluation import batch_statistics
from evaluation.accuracy import mean_class_accuracy
from evaluation.features import embed_images
from evaluation.views import VIEWS
from methods.base import SyntheticSet
from methods.plan import Plan, PlanRow
from tests.benchmark.squares import Settings, fresh_tools, plan, task
from tests.evaluation.networks import tiny_network

NAMED = {
    "classifier.tested_epoch": "last",
    "classifier.backbone_mode": "train",
    "classifier.validation": "resampled",
    "guide_classifier.tested_epoch": "last",
    "guide_classifier.backbone_mode": "train",
    "guide_classifier.validation": "resampled",
    "textual_inversion.words_of": "first_task",
    "prompts.plurals": "as_written",
    "diagen.noisy_word_of": "substring",
    "diagen.rotation": "one_counter",
    "diagen.image_seeds": "also_of_the_weighting",
}


def changed(dataset: str) -> dict[str, Any]:
    """The DIAGen settings whose values differ between the two protocols; returns those of the released one."""
    paper, released = (
        flatten(resolve_settings(dataset=dataset, preset="paper", protocol=name)) for name in ("paper", "as_released")
    )
    return {name: value for name, value in released.items() if value != paper[name] and name != "protocol"}


def test_the_released_protocol_changes_what_the_protocol_page_names() -> None:
    assert changed("mini_focus") == NAMED


def test_coco_lacks_the_crop_and_validates_on_its_test_images_as_released() -> None:
    without_crop = "standard_without_crop"
    own = {"classifier.transform": without_crop, "guide_classifier.confidence_transform": without_crop}
    assert changed("coco") == {**NAMED, **own, "coco.validation": "val2017"}


def test_focus_corrects_fewer_labels_as_released() -> None:
    assert changed("focus") == {**NAMED, "focus.label_corrections": "without_humans"}


def test_every_transform_that_a_protocol_names_is_a_view() -> None:
    for dataset in ("mini_focus", "coco"):
        for protocol in ("paper", "as_released"):
            settings = resolve_settings(dataset=dataset, protocol=protocol)
            assert {settings.classifier.transform, settings.guide_classifier.confidence_transform} <= set(VIEWS)


def test_all_tasks_use_the_first_ones_words_as_released(world, small: Settings) -> None:
    settings = small("diagen", overrides=("textual_inversion.words_of=first_task",))
    of_first = fresh_tools(small("diagen")).textual_inversion(task(4, 1))
    for other in (task(2, 0), task(4, 1)):
        assert np.array_equal(fresh_tools(settings, task(4, 1)).textual_inversion(other), of_first)
    assert not np.array_equal(fresh_tools(settings, task(2, 0)).textual_inversion(task(4, 1)), of_first)


class TestDriftingBackbone:
    """`backbone_mode: train` on the coloured squares."""

    RELEASED = (
        "classifier.backbone_mode=train",
        "guide_classifier.backbone_mode=train",
        "classifier.image_size=8",
        "classifier.batch_size=8",
        "guide_classifier.batch_size=8",
    )

    @pytest.fixture
    def samples(self, world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
        """Use a tiny network as the backbone; yields the sizes of the batches that it is trained on."""
        from torch import nn

        sizes: list[int] = []
        through = batch_statistics.DriftingBackbone.train_batch

        def counted(backbone: Any, pixels: Any) -> Any:
            sizes.append(len(pixels))
            return through(backbone, pixels)

        monkeypatch.setattr(batch_statistics, "_network", lambda name, size: tiny_network(nn.BatchNorm2d(6)))
        monkeypatch.setattr(batch_statistics.DriftingBackbone, "train_batch", counted)
        yield sizes

    def test_a_rerun_takes_the_classifier_and_its_logits_from_the_store(
        self, samples: list[int], small: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings, tests = small(overrides=self.RELEASED), task().tests["test"]
        first = train_classifier(task(), SyntheticSet(), 0.0, fresh_tools(settings))
        logits = first.logits(tests)
        assert samples == [8] * 60
        monkeypatch.setattr(batch_statistics.DriftingBackbone, "embed_batches", None)
        again = train_classifier(task(), SyntheticSet(), 0.0, fresh_tools(settings))
        assert np.array_equal(again.logits(tests), logits)
        assert len(samples) == 60
        assert (again.head.epoch, again.head.validation_accuracy) == (first.head.epoch, first.head.validation_accuracy)
        assert again.head.statistics is not None
        assert np.array_equal(again.head.statistics, first.head.statistics)

    def test_it_recognises_the_colours(self, samples: list[int], small: Settings) -> None:
        classifier = train_classifier(
            task(8), SyntheticSet(), 0.0, fresh_tools(small("diagen", overrides=self.RELEASED))
        )
        tests = task().tests["test"]
        predictions = classifier.logits(tests).argmax(axis=1)
        assert mean_class_accuracy(predictions, np.array([example.label for example in tests]), 3) > 0.6

    def test_each_classifier_is_asked_with_the_statistics_of_its_own_training(
        self, samples: list[int], small: Settings
    ) -> None:
        tools, tests = fresh_tools(small("diagen", overrides=self.RELEASED)), task().tests["test"]
        classifiers = [train_classifier(task(seed=seed), SyntheticSet(), 0.0, tools) for seed in (0, 1)]
        for classifier in classifiers:
            logits = classifier.logits(tests)
            tools.drifting_backbone.restore(classifier.head.statistics)
            features = embed_images(tools.drifting_backbone, [task().image(example) for example in tests])
            np.testing.assert_allclose(logits, classifier.head.logits(features), rtol=1e-5)

    def test_what_the_training_depends_on_is_part_of_its_address(self, samples: list[int], small: Settings) -> None:
        train_classifier(task(), SyntheticSet(), 0.0, fresh_tools(small("diagen", overrides=self.RELEASED)))
        changes = ("classifier.tested_epoch=last", "classifier.transform=standard_without_crop")
        for change in changes:
            settings = small("diagen", overrides=(*self.RELEASED, change))
            train_classifier(task(), SyntheticSet(), 0.0, fresh_tools(settings))
        train_classifier(task(seed=1), SyntheticSet(), 0.0, fresh_tools(small("diagen", overrides=self.RELEASED)))
        assert len(samples) == 4 * 60

    def test_images_weights_labels_and_alpha_are_part_of_its_address(self, samples: list[int], small: Settings) -> None:
        settings = small("diagen", overrides=(*self.RELEASED, "classifier.epochs=1"))
        images = fresh_tools(settings).generate(task(), plan())

        def trained(synthetic: SyntheticSet, alpha: float = 0.5, of: FewShotTask | None = None) -> bool:
            before = len(samples)
            train_classifier(of or task(), synthetic, alpha, fresh_tools(settings))
            return len(samples) > before

        relabelled = tuple(replace(example, label=(example.label + 1) % 3) for example in task().train)
        assert (trained(images), trained(images)) == (True, False)
        assert trained(images.weighted([1, 0, 1, 1, 1, 0.5]))
        assert trained(SyntheticSet(images.images[:5]))
        assert trained(images, alpha=0.7)
        assert trained(images, of=replace(task(), train=relabelled))

    def test_confidence_is_that_of_the_drifted_network_and_kept(self, samples: list[int], small: Settings) -> None:
        tools = fresh_tools(small("diagen", overrides=self.RELEASED))
        words = {"w": np.ones(4, dtype=np.float32)}
        rows = tuple(PlanRow(i, i // 2, "a <word>", "w", 0.5, 7.5, 50, seed=i) for i in range(6))
        images = tools.generate(task(), Plan(rows, words))
        confidence = tools.confidence(task(), images)
        trained = len(samples)
        assert trained == 2 * 10
        assert confidence.shape == (6,) and ((confidence >= 0) & (confidence <= 1)).all()
        again = fresh_tools(small("diagen", overrides=self.RELEASED))
        assert np.array_equal(again.confidence(task(), images), confidence)
        assert len(samples) == trained
        for name, value in vars(tools.calibration).items():
            assert np.array_equal(vars(again.calibration)[name], value), name

    @pytest.mark.parametrize(
        ("changes", "trainings"),
        [((), 2), (("classifier.validation=resampled",), 1), (("classifier.tested_epoch=last",), 1)],
    )
    def test_only_images_that_are_weighted_by_class_have_another_address_than_without_weights(
        self,
        samples: list[int],
        small: Settings,
        monkeypatch: pytest.MonkeyPatch,
        changes: tuple[str, ...],
        trainings: int,
    ) -> None:
        """One class has lost 5 of 6 images. Without a loss, or with balanced draws, stored results remain valid."""
        settings = small(overrides=(*self.RELEASED, *changes))
        fewer = replace(task(), validation=task().validation[5:])
        train_classifier(fewer, SyntheticSet(), 0.0, fresh_tools(settings))
        monkeypatch.setattr(drifting, "class_weights", lambda labels: np.ones(len(labels)))
        train_classifier(fewer, SyntheticSet(), 0.0, fresh_tools(settings))
        assert len(samples) == trainings * 60

    def test_a_calibration_from_before_there_were_weights_is_read(
        self, samples: list[int], small: Settings, tmp_path: Path
    ) -> None:
        settings = small("diagen", overrides=self.RELEASED)
        tools = fresh_tools(settings)
        images = tools.generate(task(), plan())
        tools.confidence(task(), images)
        (file,) = (tmp_path / "store" / "calibration").rglob("*.json")
        facts = json.loads(file.read_text())
        assert facts.pop("weights") == [1.0] * 18
        file.write_text(json.dumps(facts))
        again = fresh_tools(settings)
        again.confidence(task(), images)
        assert again.calibration is not None and np.array_equal(again.calibration.weights, np.ones(18))

    def test_another_network_judges_anew(self, samples: list[int], small: Settings) -> None:
        for size in (8, 4):
            tools = fresh_tools(small("diagen", overrides=(*self.RELEASED, f"classifier.image_size={size}")))
            tools.confidence(task(), tools.generate(task(), plan()))
        assert len(samples) == 2 * 20

    def test_diagen_runs_as_released_from_words_to_accuracy(self, samples: list[int], small: Settings) -> None:
        settings = small("diagen", protocol="as_released", overrides=(*self.RELEASED, "diagen.steps=2"))
        method, tools = build_method(settings), fresh_tools(settings)
        images = method.synthesize(task(), tools)
        classifier = train_classifier(task(), images, method.synthetic_probability, tools)
        result = evaluate(task(), images, classifier, tools)
        assert len(images.images) == 3 * 2 * 4
        assert 0 <= result.metrics["accuracy/test"] <= 1
        assert set(samples) == {8}
