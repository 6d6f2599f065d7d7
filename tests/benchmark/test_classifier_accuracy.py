"""The script that measures the cost of caching views: fresh views are fresh, and both ways are reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.progress import Stages
from benchmark.store import Store
from benchmark.tools import LocalTools, Models
from benchmarks_perf.classifier_accuracy import FreshViews, main
from datasets.base import DATASETS
from datasets.few_shot import few_shot_task


def test_every_sample_of_an_epoch_is_another_view_of_an_image_of_its_class(world, small, tmp_path: Path) -> None:
    task = few_shot_task("squares", DATASETS["squares"](), 1, 0)
    settings = small(overrides=("classifier.batch_size=8", "classifier.iterations=5"))
    views = FreshViews(task, LocalTools(settings, Models(Store(tmp_path), Stages(quiet=True)), task))
    features, labels = zip(*views.epoch(np.random.default_rng(0)), strict=True)
    assert [batch.shape for batch in features] == [(8, 6)] * 5
    assert len(np.unique(np.concatenate(features), axis=0)) > 35  # of 40: some views of 8 × 8 pixels may coincide
    assert set(np.concatenate(labels).tolist()) == {0, 1, 2}


def test_both_ways_are_reported_for_each_seed_and_compared(
    world, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(tmp_path, dataset="squares", seeds="0,1", shots=2, epochs=2, iterations=5, image_size=8)
    lines = capsys.readouterr().out.splitlines()
    assert "320 samples, 10 cached views an image" in lines[0]
    assert [line.split(":")[0] for line in lines[1:5]] == ["seed 0", "seed 1", "test", "uncommon"]
    assert "points over 2 seeds" in lines[3]
    assert lines[5].startswith("cached views are ")
