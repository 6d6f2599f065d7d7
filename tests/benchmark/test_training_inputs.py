"""What a classifier is trained on: the data of every image, and nothing left over from earlier training."""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import pytest
from torch import nn

from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.runner import run_job
from benchmark.tracking import Tracker
from benchmark.train import train_classifier
from evaluation import batch_statistics, classifier
from methods.base import SyntheticSet
from tests.benchmark.squares import Settings, fresh_tools, plan, task
from tests.evaluation.networks import tiny_network


class TestADriftingBackbone:
    """`backbone_mode: train`: training changes the backbone itself."""

    RELEASED = ("classifier.backbone_mode=train", "classifier.image_size=8", "classifier.batch_size=8")

    @pytest.fixture(autouse=True)
    def network(self, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tiny network in place of the backbone."""
        monkeypatch.setattr(batch_statistics, "_network", lambda name, size: tiny_network(nn.BatchNorm2d(6)))

    def test_a_training_owes_nothing_to_the_one_before(self, small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings, tests = small(overrides=self.RELEASED), task().tests["test"]
        tools = fresh_tools(settings)
        first, second = (train_classifier(task(seed=seed), SyntheticSet(), 0.0, tools) for seed in (0, 1))
        logits = second.logits(tests)
        assert not np.array_equal(first.logits(tests), logits)
        monkeypatch.setenv("DIAGEN_STORE", "another-store")
        alone = train_classifier(task(seed=1), SyntheticSet(), 0.0, fresh_tools(settings))
        np.testing.assert_array_equal(alone.logits(tests), logits)

    def test_its_classifier_is_not_logged(self, small: Settings, tracking_uri: str) -> None:
        """A backbone's name would load the original network, not the one that the head was trained with."""
        job = open_job(small(overrides=(*self.RELEASED, "log_classifier=true")))
        run_job(job, Tracker(), Stages(quiet=True))
        assert len(Tracker().finished_cells()) == 1
        assert mlflow.MlflowClient().search_logged_models(["0"]) == []


def test_a_head_is_given_every_images_guide_and_weight(
    world: Any, small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    train = classifier.train_head
    monkeypatch.setattr(classifier, "train_head", lambda *all_of_it: given.append(all_of_it[0]) or train(*all_of_it))
    tools = fresh_tools(small("diagen"))
    images = tools.generate(task(), plan()).weighted([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    train_classifier(task(), images, 0.5, tools)
    assert given[0].guides.tolist() == [0, 1, 2, 0, 1, 2]
    assert given[0].weights == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
