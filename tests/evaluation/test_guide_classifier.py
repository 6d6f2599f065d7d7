"""The guide classifier's confidence: high for an image of its class, low for other classes, calibrated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from evaluation.arrays import Indices, Singles
from evaluation.classifier import Head
from evaluation.guide_classifier import GuideResult, guide_confidences, judge, own_label_confidence, train_guide_head
from evaluation.settings import GuideClassifierSettings

SETTINGS = GuideClassifierSettings(epochs=15, iterations=20, batch_size=16, learning_rate=1e-2, patience=3)
CLASSES, WIDTH = 3, 8


def blobs(seed: int, per_class: int, views: int) -> tuple[Singles, Indices]:
    centres = np.random.default_rng(0).normal(size=(CLASSES, WIDTH))
    labels = np.repeat(np.arange(CLASSES), per_class)
    noise = np.random.default_rng(seed).normal(size=(len(labels), views, WIDTH))
    return (centres[labels][:, None] + noise).astype(np.float32), labels


def guided(seed: int = 0, swap: bool = False) -> GuideResult:
    validation, validation_labels = blobs(2, 40, 1)
    synthetic, labels = blobs(3, 20, 5)
    claimed = (labels + swap) % CLASSES
    train = blobs(1, 4, 6)
    return guide_confidences(*train, validation[:, 0], validation_labels, synthetic, claimed, CLASSES, SETTINGS, seed)


def test_confidence_tells_right_from_wrong_images() -> None:
    right, wrong = guided(), guided(swap=True)
    assert right.confidence.shape == (60,)
    assert ((right.confidence >= 0) & (right.confidence <= 1)).all()
    assert right.confidence.mean() > 0.6 > 0.3 > wrong.confidence.mean()


def test_same_seed_same_confidence() -> None:
    assert np.array_equal(guided().confidence, guided().confidence)


def test_scaling_does_not_raise_the_validation_loss() -> None:
    result = guided()
    assert result.calibration.nll_after <= result.calibration.nll_before + 1e-9
    assert result.calibration.temperature > 0


def test_confidence_is_the_mean_probability_over_views() -> None:
    """This differs from the probability of the mean view."""
    head = Head(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    views = np.array([[[2.0, 0.0], [0.0, 0.0]]], np.float32)
    expected = (1 / (1 + np.exp(-2)) + 0.5) / 2
    assert own_label_confidence(head, views, np.array([0]), 1.0) == pytest.approx([expected])


def test_weight_decay_is_adams_l2_penalty() -> None:
    """With features of 0, Adam is driven by the penalty alone: it steps towards 0 by its full learning rate."""
    views, labels = np.zeros((4, 1, 4), np.float32), np.array([0, 0, 1, 1])
    nothing = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    settings = GuideClassifierSettings(epochs=1, iterations=10, batch_size=16, learning_rate=1e-3)
    start, decayed = (
        train_guide_head(views, labels, *nothing, 2, replace(settings, weight_decay=decay), 0).weight
        for decay in (0.0, settings.weight_decay)
    )
    np.testing.assert_allclose(start - decayed, 10 * 1e-3 * np.sign(start), rtol=0.05)


def test_every_view_is_drawn_with_its_images_label() -> None:
    """Each view sets one entry of its own, whose weight grows only for its class once the view has been drawn."""
    views, labels = np.eye(12, dtype=np.float32).reshape(4, 3, 12), np.array([0, 1, 1, 0])
    nothing = np.empty((0, 12), np.float32), np.empty(0, np.int64)
    start, moved = (
        train_guide_head(views, labels, *nothing, 2, replace(SETTINGS, learning_rate=rate, weight_decay=0.0), 0).weight
        for rate in (0.0, 0.01)
    )
    np.testing.assert_array_equal(np.sign(moved - start), np.where(labels.repeat(3) == np.array([[0], [1]]), 1, -1))


class TestSeeds:
    """Each seed decides what is drawn, not just the initial weights."""

    def test_of_what_is_trained_on(self) -> None:
        """Train for one step on one of 100 images, each of which sets its own entry."""
        views, labels = np.eye(100, dtype=np.float32)[:, None], np.arange(100) % 2
        nothing = np.empty((0, 100), np.float32), np.empty(0, np.int64)
        settings = GuideClassifierSettings(epochs=1, iterations=1, batch_size=1, weight_decay=0.0)
        drawn = set()
        for seed in range(5):
            start, moved = (
                train_guide_head(views, labels, *nothing, 2, replace(settings, learning_rate=rate), seed).weight
                for rate in (0.0, 0.1)
            )
            drawn.add(int(np.flatnonzero(start[0] != moved[0])[0]))
        assert len(drawn) > 2

    def test_of_resampled_validation(self) -> None:
        """For a head that never changes, the best epoch is the one whose draws happen to suit it."""
        features, labels = np.zeros((20, WIDTH), np.float32), np.repeat([0, 1], 10)
        settings = replace(SETTINGS, validation="resampled", learning_rate=0.0, weight_decay=0.0, patience=100)
        heads = [train_guide_head(*blobs(1, 1, 1), features, labels, CLASSES, settings, seed) for seed in range(8)]
        assert len({head.epoch for head in heads}) > 3

    def test_of_what_the_temperature_is_fitted_on(self) -> None:
        head, labels = Head(np.eye(2, dtype=np.float32), np.zeros(2, np.float32)), np.repeat([0, 1], [95, 5])
        logits, views = np.tile(np.array([[3.0, 0.0]], np.float32), (100, 1)), np.array([[[3.0, 0.0]]], np.float32)
        settings = replace(SETTINGS, validation="resampled")
        given = head, logits, labels, views, np.array([0]), settings
        confidences = [judge(*given, seed).confidence for seed in range(5)]
        assert len(np.unique(confidences)) > 2
        assert confidences == pytest.approx(np.full((5, 1), 0.5), abs=0.06), "as many draws as an epoch trains on"


class TestEarlyStopping:
    def train(self, patience: int, learning_rate: float = 0.3) -> Head:
        validation, labels = blobs(2, 40, 1)
        settings = replace(SETTINGS, patience=patience, learning_rate=learning_rate, weight_decay=0.0)
        return train_guide_head(*blobs(1, 1, 1), validation[:, 0], labels, CLASSES, settings, 0)

    def test_the_kept_epoch_is_followed_by_no_better_one(self) -> None:
        hasty, patient = self.train(1), self.train(100)
        assert hasty.epoch <= patient.epoch < SETTINGS.epochs

    def test_the_last_epoch_is_the_one_at_which_patience_ended(self) -> None:
        validation, labels = blobs(2, 40, 1)
        settings = replace(SETTINGS, patience=2, learning_rate=0.3, weight_decay=0.0)
        heads = [
            train_guide_head(
                *blobs(1, 1, 1), validation[:, 0], labels, CLASSES, replace(settings, tested_epoch=which), 0
            )
            for which in ("best", "last")
        ]
        assert heads[1].epoch == heads[0].epoch + 2 < SETTINGS.epochs
        assert not np.array_equal(heads[0].weight, heads[1].weight)

    def test_the_kept_epoch_has_the_lowest_loss_as_a_mean_over_classes(self) -> None:
        """There are 60 images of one class and 4 of each other class; a mean over images would choose another epoch."""
        views, all_labels = blobs(2, 60, 1)
        rows = [*range(60), *range(60, 64), *range(120, 124)]
        features, labels = views[rows, 0], all_labels[rows]
        settings = replace(SETTINGS, patience=100, learning_rate=0.02, weight_decay=0.0)
        by_image, by_class = [], []
        for epochs in range(1, settings.epochs + 1):
            until = replace(settings, epochs=epochs, tested_epoch="last")
            head = train_guide_head(*blobs(1, 4, 1), features, labels, CLASSES, until, 0)
            logits = torch.tensor(head.logits(features))
            losses = cross_entropy(logits, torch.tensor(labels), reduction="none").numpy()
            by_image.append(losses.mean())
            by_class.append(np.mean([losses[labels == label].mean() for label in range(CLASSES)]))
        kept = train_guide_head(*blobs(1, 4, 1), features, labels, CLASSES, settings, 0)
        assert kept.epoch == 1 + np.argmin(by_class)
        assert np.argmin(by_image) != np.argmin(by_class)

    def test_without_validation_all_epochs_run(self) -> None:
        nothing = np.empty((0, WIDTH), np.float32), np.empty(0, np.int64)
        assert train_guide_head(*blobs(1, 4, 2), *nothing, CLASSES, SETTINGS, 0).epoch == SETTINGS.epochs

    def test_resampled_without_validation_is_no_different(self) -> None:
        nothing = np.empty((0, WIDTH), np.float32), np.empty(0, np.int64)
        settings = replace(SETTINGS, validation="resampled")
        assert train_guide_head(*blobs(1, 4, 2), *nothing, CLASSES, settings, 0).epoch == SETTINGS.epochs


def test_without_a_validation_neither_epoch_nor_temperature_depends_on_validation_images(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = replace(SETTINGS, validation="none", patience=1, learning_rate=0.3)
    train, (synthetic, labels) = blobs(1, 4, 6), blobs(3, 20, 5)
    validation, own = blobs(2, 40, 1)
    confidences = []
    for claimed in (own, (own + 1) % CLASSES):
        given = (*train, validation[:, 0], claimed)
        assert train_guide_head(*given, CLASSES, settings, 0).epoch == SETTINGS.epochs
        result = guide_confidences(*given, synthetic, labels, CLASSES, settings, 0)
        assert result.calibration.temperature == 1.0
        confidences.append(result.confidence)
    assert np.array_equal(*confidences)
    assert not caplog.messages, "no word of images that are all recognised"


@pytest.mark.parametrize(("validation", "tolerance"), [("once", 0.01), ("resampled", 0.06)])
def test_validation_balances_the_classes_that_the_temperature_is_fitted_on(validation: str, tolerance: float) -> None:
    """The head recognises 95 images of one class but not 5 of another: balanced, it is right half of the time."""
    head = Head(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    logits = np.tile(np.array([[3.0, 0.0]], np.float32), (100, 1))
    labels = np.array([0] * 95 + [1] * 5)
    views = np.array([[[3.0, 0.0]]], np.float32)
    result = judge(head, logits, labels, views, np.array([0]), replace(SETTINGS, validation=validation), 0)
    assert result.confidence[0] == pytest.approx(0.5, abs=tolerance)


def test_validation_images_that_are_all_recognised_calibrate_nothing_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head, labels = Head(np.eye(2, dtype=np.float32), np.zeros(2, np.float32)), np.array([0, 1])
    views = np.array([[[1.0, 0.5]], [[1.0, 0.5]]], np.float32)
    result = judge(head, np.eye(2, dtype=np.float32), labels, views, labels, SETTINGS, 0)
    assert result.confidence == pytest.approx([1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(0.5))]), "and not 1 and 0"
    (message,) = caplog.messages
    assert message.startswith("the guide classifier recognises all 2 validation images")
    judge(head, np.eye(2, dtype=np.float32)[::-1], labels, views, labels, SETTINGS, 0)
    assert len(caplog.messages) == 1
