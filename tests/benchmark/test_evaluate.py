"""What is recorded about a cell's classifier and images: the tables that all reports are made from."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmark.evaluate import evaluate, plan_table
from datasets.base import DATASETS
from methods.base import SyntheticSet
from tests.benchmark.squares import Settings, fresh_tools, plan, task


def test_tables_of_predictions_say_who_was_taken_for_whom(world, small: Settings, monkeypatch: pytest.MonkeyPatch):
    """The tables use the display names, which may differ from the nouns in prompts."""
    monkeypatch.setattr(DATASETS["squares"], "display_names", ("Apple", "Leaf", "Plum"))
    apples: Any = SimpleNamespace(logits=lambda examples: np.tile(np.float32([2, 1, 0]), (len(examples), 1)))
    tables = evaluate(task(), SyntheticSet(), apples, fresh_tools(small("diagen"))).tables
    assert tables["confusion_matrix_test"] == {
        "true class": ["Apple", "Leaf", "Plum"],
        "Apple": [6, 6, 6],
        "Leaf": [0, 0, 0],
        "Plum": [0, 0, 0],
    }
    assert tables["accuracy_per_class"]["test"] == [1.0, 0.0, 0.0]
    assert tables["predictions_test"]["label"] == ["Apple"] * 6 + ["Leaf"] * 6 + ["Plum"] * 6
    assert set(tables["predictions_test"]["prediction"]) == {"Apple"}


def test_a_class_may_be_called_as_the_column_of_classes_is(world, small: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(DATASETS["squares"], "display_names", ("Apple", "true class", "Plum"))
    apples: Any = SimpleNamespace(logits=lambda examples: np.tile(np.float32([2, 1, 0]), (len(examples), 1)))
    tables = evaluate(task(), SyntheticSet(), apples, fresh_tools(small("diagen"))).tables
    assert tables["confusion_matrix_test"] == {
        "true class of the row": ["Apple", "true class", "Plum"],
        "Apple": [6, 6, 6],
        "true class": [0, 0, 0],
        "Plum": [0, 0, 0],
    }


def test_the_plan_names_each_images_guide(world, small: Settings):
    table = plan_table(task(), fresh_tools(small("diagen")).generate(task(), plan()))
    assert table["guide"] == [task().train[guide].identifier for guide in (0, 1, 2, 0, 1, 2)]


def test_attributes_and_values_of_any_text_are_told_by_names_that_mlflow_takes(
    world, small: Settings, monkeypatch: pytest.MonkeyPatch
):
    """Otherwise the cell would be lost when it logs its results at the end."""
    from mlflow.utils.validation import _validate_metric_name

    monkeypatch.setattr(DATASETS["squares"], "slices", ("si/ze (cm)",))
    values = ["..", ".", "größer: 10%", "a/../b"]
    plain = task()
    shown = [replace(e, attributes={"si/ze (cm)": values[i % 4]}) for i, e in enumerate(plain.tests["test"])]
    shown_task = replace(plain, tests={"test": tuple(shown)})
    apples: Any = SimpleNamespace(logits=lambda examples: np.tile(np.float32([2, 1, 0]), (len(examples), 1)))
    result = evaluate(shown_task, SyntheticSet(), apples, fresh_tools(small("diagen")))
    for name in result.metrics:
        _validate_metric_name(name)
    assert "accuracy/test/si_ze _cm_/größer_ 10_" in result.metrics
    assert sorted(result.tables["accuracy_by_attribute_test"]["value"]) == sorted(values)
