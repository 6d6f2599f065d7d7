"""Temperature scaling, compared with scipy and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import optimize
from scipy.special import log_softmax, softmax
from torch.nn.functional import cross_entropy
from torchmetrics.functional.classification import multiclass_calibration_error

from evaluation.arrays import Doubles, Indices
from evaluation.calibration import (
    bin_of,
    calibrate,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
)
from evaluation.sampling import class_weights

Data = tuple[Doubles, Indices]


@pytest.fixture(params=[0.02, 0.1, 0.4, 1.0, 4.0, 30.0])
def miscalibrated(request: pytest.FixtureRequest) -> Data:
    """Logits that are `param` times too large for labels drawn from their softmax."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(400, 5)) * 1.5
    labels = np.array([rng.choice(5, p=p) for p in softmax(logits, axis=1)])
    return logits * request.param, labels


def calibration_error(probabilities: Doubles, labels: Indices) -> float:
    return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def test_nll_equals_scipy(miscalibrated: Data) -> None:
    logits, labels = miscalibrated
    expected = -log_softmax(logits / 2, axis=1)[np.arange(len(labels)), labels].mean()
    assert negative_log_likelihood(logits, labels, 2.0) == pytest.approx(expected)


def test_temperature_is_the_one_of_least_nll(miscalibrated: Data) -> None:
    logits, labels = miscalibrated
    best = optimize.minimize_scalar(lambda t: negative_log_likelihood(logits, labels, t), bounds=(0.01, 90))
    fitted = fit_temperature(logits, labels)
    assert negative_log_likelihood(logits, labels, fitted) <= best.fun + 1e-7
    assert fitted == pytest.approx(best.x, rel=1e-3)


def test_logits_of_single_precision_are_taken_for_the_numbers_that_they_are(miscalibrated: Data) -> None:
    """A head returns logits in float32, but a loss in float32 would be too coarse for the search."""
    singles, labels = miscalibrated[0].astype(np.float32), miscalibrated[1]
    doubles = singles.astype(np.float64)
    assert negative_log_likelihood(singles, labels, 2.0) == negative_log_likelihood(doubles, labels, 2.0)
    assert fit_temperature(singles, labels) == fit_temperature(doubles, labels)


def test_ece_equals_torchmetrics(miscalibrated: Data) -> None:
    logits, labels = miscalibrated
    probabilities = softmax(logits, axis=1)
    expected = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(labels), 5, n_bins=15, norm="l1")
    assert calibration_error(probabilities, labels) == pytest.approx(float(expected), abs=1e-5)


def test_bins_are_open_below_and_closed_above() -> None:
    assert bin_of(np.array([0.0, 0.6, 0.601, 1.0])).tolist() == [0, 8, 9, 14]


def test_scaled_probabilities_are_calibrated(miscalibrated: Data) -> None:
    logits, labels = miscalibrated
    assert calibration_error(softmax(logits / fit_temperature(logits, labels), axis=1), labels) < 0.08


def test_perfect_and_empty_validation_sets_leave_the_temperature_at_1() -> None:
    """The loss would be lowest at T = 0, where a photo that is 60% a car becomes a car with certainty."""
    nearly_perfect = np.concatenate([np.eye(4) * 3, [[2.0, 1.9, 0, 0]]])
    assert fit_temperature(np.eye(4) * 3, np.arange(4)) == 1.0
    assert fit_temperature(nearly_perfect, np.array([0, 1, 2, 3, 0])) == 1.0
    assert 0.01 < fit_temperature(nearly_perfect, np.array([0, 1, 2, 3, 1])) < 1, "one mistake, and it has a minimum"
    assert fit_temperature(np.zeros((4, 2)), np.array([0, 1, 0, 1])) > 0
    assert fit_temperature(np.empty((0, 4)), np.empty(0, int)) == 1.0


@pytest.mark.parametrize("margin", [0, 25, 40, 200])
def test_validation_images_that_say_nothing_of_the_temperature_leave_it_near_1(margin: float) -> None:
    """The logits are all alike, or so far apart that all temperatures near 1 are equally good."""
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 10
    logits = margin * np.eye(10)[labels] + (rng.normal(size=(100, 10)) if margin else 0)
    assert 0.5 < fit_temperature(logits, labels) <= 1.001


def test_huge_logits_do_not_overflow() -> None:
    assert negative_log_likelihood(np.array([[1e4, -1e4]]), np.array([0])) == 0.0
    assert np.isfinite(fit_temperature(np.array([[1e4, -1e4], [1e4, 0]]), np.array([0, 1])))


def test_a_calibration_compares_before_and_after(miscalibrated: Data) -> None:
    logits, labels = miscalibrated
    found = calibrate(logits, labels)
    before, after = (softmax(logits / t, axis=1) for t in (1.0, found.temperature))
    assert found.temperature == fit_temperature(logits, labels)
    assert (found.ece_before, found.ece_after) == pytest.approx(
        (calibration_error(before, labels), calibration_error(after, labels))
    )
    assert found.nll_after <= found.nll_before
    assert np.allclose(found.confidence_before, before.max(axis=1))
    assert np.allclose(found.confidence_after, after.max(axis=1))
    assert found.correct.mean() == np.mean(before.argmax(axis=1) == labels)


class TestWeights:
    """Three classes have 12, 4 and 1 images, a fourth has none; repeated 1, 3 and 12 times, all three have 12."""

    LABELS = np.repeat([0, 1, 3], [12, 4, 1])
    WEIGHTS = class_weights(LABELS)

    @pytest.fixture
    def logits(self) -> Doubles:
        """The large class is recognised; the others only sometimes."""
        return np.random.default_rng(3).normal(size=(17, 4)) + 4 * np.eye(4)[[0] * 15 + [1, 3]]

    def repeated(self, logits: Doubles) -> Data:
        times = np.repeat([1, 3, 12], [12, 4, 1])
        return logits.repeat(times, axis=0), self.LABELS.repeat(times)

    def test_the_nll_of_images_weighted_by_class_is_the_mean_over_classes(self, logits: Doubles) -> None:
        losses = cross_entropy(torch.tensor(logits), torch.tensor(self.LABELS), reduction="none").numpy()
        by_class = [losses[label == self.LABELS].mean() for label in (0, 1, 3)]
        balanced = negative_log_likelihood(logits, self.LABELS, weights=self.WEIGHTS)
        assert balanced == pytest.approx(np.mean(by_class), rel=1e-12)
        assert balanced > 1.2 * losses.mean(), "the large class would hide the small ones"

    def test_the_temperature_is_that_of_each_image_repeated_to_classes_of_equal_size(self, logits: Doubles) -> None:
        fitted = fit_temperature(logits, self.LABELS, self.WEIGHTS)
        assert fitted == pytest.approx(fit_temperature(*self.repeated(logits)), rel=1e-6)
        assert abs(np.log(fitted / fit_temperature(logits, self.LABELS))) > 0.1

    def test_so_is_the_whole_calibration(self, logits: Doubles) -> None:
        found, expected = calibrate(logits, self.LABELS, self.WEIGHTS), calibrate(*self.repeated(logits))
        for name in ("ece_before", "ece_after", "nll_before", "nll_after"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-5), name
        assert np.array_equal(found.weights, self.WEIGHTS)

    def test_only_ratios_of_weights_matter(self, logits: Doubles) -> None:
        found, scaled = (calibrate(logits, self.LABELS, scale * self.WEIGHTS) for scale in (1.0, 5.0))
        for name in ("temperature", "ece_before", "ece_after", "nll_before", "nll_after"):
            assert getattr(scaled, name) == pytest.approx(getattr(found, name), rel=1e-6), name

    def test_the_ece_of_repeated_images_equals_torchmetrics(self, logits: Doubles) -> None:
        many, labels = self.repeated(logits)
        reference = multiclass_calibration_error(
            torch.tensor(softmax(many, axis=1)), torch.tensor(labels), 4, n_bins=15
        )
        assert calibrate(logits, self.LABELS, self.WEIGHTS).ece_before == pytest.approx(float(reference), abs=1e-5)

    def test_where_classes_are_equal_nothing_changes(self, miscalibrated: Data) -> None:
        """The results are exactly equal, with a tolerance of 0."""
        logits, _ = miscalibrated
        labels = np.repeat(np.arange(5), 80)
        plain, weighted = calibrate(logits, labels), calibrate(logits, labels, class_weights(labels))
        for name, value in vars(plain).items():
            assert np.array_equal(vars(weighted)[name], value), name


def test_a_calibration_without_images_says_nothing() -> None:
    found = calibrate(np.empty((0, 3)), np.empty(0, int))
    assert found.temperature == 1.0
    assert np.isnan(found.ece_before)
    assert len(found.correct) == 0
