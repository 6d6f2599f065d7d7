"""Accuracy by attribute, computed by hand."""

from __future__ import annotations

import numpy as np

from evaluation.slices import SliceAccuracy, slice_accuracies

LABELS = np.array([0, 0, 1, 1, 1])
PREDICTIONS = np.array([0, 1, 1, 1, 0])


def test_each_value_has_the_mean_over_the_classes_that_it_holds():
    slices = slice_accuracies(PREDICTIONS, LABELS, ["day", "day", "day", "night", "night"], 2)
    assert slices == [
        SliceAccuracy("day", (0.5 + 1.0) / 2, 3),
        SliceAccuracy("night", 0.5, 2),
    ]


def test_an_image_with_several_values_counts_for_each():
    slices = slice_accuracies(PREDICTIONS, LABELS, ["grass, snow", "grass", "snow", "snow", "grass, snow"], 2)
    assert [(part.value, part.images) for part in slices] == [("grass", 3), ("snow", 4)]


def test_an_image_without_a_value_counts_for_none():
    assert slice_accuracies(PREDICTIONS[:1], LABELS[:1], [""], 2) == [SliceAccuracy("none", 1.0, 1)]


def test_one_value_for_all_gives_the_whole_accuracy():
    (whole,) = slice_accuracies(PREDICTIONS, LABELS, ["x"] * 5, 2)
    assert whole.accuracy == (1 / 2 + 2 / 3) / 2


def test_values_are_in_alphabetical_order():
    slices = slice_accuracies(PREDICTIONS, LABELS, ["night", "day, night", "day", "night", ""], 2)
    assert [part.value for part in slices] == ["day", "night", "none"]
