"""Calibration, weights, precision and recall: the numbers that are drawn."""

from __future__ import annotations

import math

import pytest

from benchmark.figures import MissingRuns
from tests.benchmark.figures.cells import cell, drawn, rows

CALIBRATION = {
    "confidence_before": [0.95, 0.97, 0.99, 0.5],
    "confidence_after": [0.51, 0.52, 0.53, 0.5],
    "correct": [True, False, True, False],
}


def test_reliability_compares_confidence_with_accuracy_in_fifteen_bins():
    drawing = drawn("reliability", cell(tables={"calibration": CALIBRATION}))
    before, after = ([row for row in rows(drawing.data) if row["state"] == state] for state in ("before", "after"))
    assert [(row["confidence"], row["accuracy"], row["images"]) for row in before] == [
        (0.5, 0.0, 1),  # in (7/15, 8/15]
        (pytest.approx(0.97), pytest.approx(2 / 3), 3),  # in (14/15, 1]
    ]
    assert [row["images"] for row in after] == [4]
    assert before[0]["calibration_error"] == pytest.approx((0.5 + 3 * (0.97 - 2 / 3)) / 4)
    assert after[0]["calibration_error"] == pytest.approx(abs(0.515 - 0.5))
    legend = [text.get_text() for text in drawing.figure.axes[0].get_legend().get_texts()]
    assert legend == ["before, ECE 35.2%", "after, ECE 1.5%"]
    assert "is in-sample" in drawing.notes[0]


def test_reliability_weights_images_as_their_calibration_did():
    """The last image is the only one of its class; the other three share a class."""
    weighted = {**CALIBRATION, "weight": [2 / 3, 2 / 3, 2 / 3, 2]}
    low, high, after = rows(drawn("reliability", cell(tables={"calibration": weighted})).data)
    assert high["images"] == 3
    assert low["calibration_error"] == pytest.approx((0.5 + (0.97 - 2 / 3)) / 2)
    assert after["confidence"] == pytest.approx(((0.51 + 0.52 + 0.53) / 3 + 0.5) / 2)
    assert after["accuracy"] == pytest.approx((2 / 3 + 0) / 2)


def test_reliability_counts_a_guide_classifier_once_and_averages_errors_over_seeds():
    wrong = {**CALIBRATION, "correct": [False] * 4}
    drawing = drawn(
        "reliability",
        cell(tables={"calibration": CALIBRATION}),
        cell(components="noise", tables={"calibration": CALIBRATION}),
        cell(seed=1, tables={"calibration": wrong}),
    )
    last = rows(drawing.data)[-1]
    assert (last["images"], last["seeds"]) == (8, 2)
    assert last["calibration_error"] == pytest.approx((0.015 + 0.515) / 2)


def test_weights_are_counted_in_twenty_bins():
    plan = {"weight": [0.0, 0.01, 0.32, 1.0, math.nan, None]}
    drawing = drawn("weights", cell(tables={"plan": plan}), cell("da_fusion", tables={"plan": {"weight": [1.0, 1.0]}}))
    filled = [(round(row["from"], 2), row["images"], row["share"]) for row in rows(drawing.data) if row["images"]]
    assert set(drawing.data["method"]) == {"diagen"}
    assert filled == [(0.0, 2, 0.5), (0.3, 1, 0.25), (0.95, 1, 0.25)]


def test_precision_recall_takes_the_seeds_that_have_both():
    def quality(seed: int, precision: float, recall: float, **given):
        return cell(seed=seed, metrics={"precision/class_mean": precision, "recall/class_mean": recall}, **given)

    records = [quality(0, 0.2, 0.59), quality(1, 0.4, 0.61), quality(2, 0.9, math.nan), cell("standard")]
    drawing = drawn("precision_recall", *records)
    (row,) = rows(drawing.data)
    assert (row["method"], row["shots"], row["n"]) == ("diagen", 2, 2)
    assert (row["precision"], row["recall"]) == pytest.approx((0.3, 0.6))
    assert row["recall_high"] - row["recall"] == pytest.approx(12.7062047364 * 0.01)


def test_lines_of_equal_f_hold_one_f():
    record = cell(metrics={"precision/class_mean": 0.6, "recall/class_mean": 0.8})
    (axes,) = drawn("precision_recall", record).figure.axes
    labels = [text.get_text() for text in axes.texts if text.get_text().startswith("F = ")]
    for line, label in zip(axes.lines, labels, strict=True):
        recall, precision = line.get_data()
        assert 2 * precision * recall / (precision + recall) == pytest.approx(float(label.removeprefix("F = ")))


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("reliability", "run --method diagen"),
        ("weights", "run --method diagen"),
        ("precision_recall", "sweep --methods da_fusion,diagen"),
    ],
)
def test_old_runs_that_lack_the_numbers_are_told_what_to_run(name: str, command: str):
    with pytest.raises(MissingRuns, match=f"`python -m benchmark {command}` makes such runs"):
        drawn(name, cell())
