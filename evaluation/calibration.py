"""Temperature scaling and measures of calibration (Guo et al. 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from evaluation.arrays import Doubles, Floats, Integers, Mask

BINS = 15
"""Number of confidence bins, as in Guo et al."""

MAX_TEMPERATURE = 100.0
_NEAR_ONE = 1e-8
"""Penalty, in nats, on a deviation of log T from 0 by 1; it grows with the square of the deviation."""


@dataclass(frozen=True)
class Calibration:
    """A classifier's confidence in its predictions for N images, before and after temperature scaling.

    confidence_before, confidence_after: the probability of the predicted class, (N,) in (0, 1]; correct: (N,).
    weights: of the images, (N,); they apply to the temperature, the ECE (in [0, 1]) and the NLL (in nats).
    """

    temperature: float
    ece_before: float
    ece_after: float
    nll_before: float
    nll_after: float
    confidence_before: Doubles
    confidence_after: Doubles
    correct: Mask
    weights: Doubles


def calibrate(logits: Floats, labels: Integers, weights: Doubles | None = None) -> Calibration:
    """Fit the temperature on logits (N, C) and labels (N,), and compare before and after.

    Args:
        weights: of the images, (N,), of which only ratios matter; None: all equal. With `sampling.class_weights` the
            temperature, the NLL and the ECE are as if all classes were equally frequent.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    temperature = fit_temperature(logits, labels, weights)
    before, after = (softmax(np.asarray(logits, np.float64) / t, axis=1) for t in (1.0, temperature))
    confidence_before, confidence_after = (each.max(axis=1, initial=0.0) for each in (before, after))
    correct = before.argmax(axis=1) == labels
    return Calibration(
        temperature=temperature,
        ece_before=expected_calibration_error(confidence_before, correct, weights),
        ece_after=expected_calibration_error(confidence_after, correct, weights),
        nll_before=negative_log_likelihood(logits, labels, weights=weights),
        nll_after=negative_log_likelihood(logits, labels, temperature, weights),
        confidence_before=confidence_before,
        confidence_after=confidence_after,
        correct=correct,
        weights=weights,
    )


def negative_log_likelihood(
    logits: Floats, labels: Integers, temperature: float = 1.0, weights: Doubles | None = None
) -> float:
    """Mean −log softmax(z/T)[y] in nats, for logits (N, C) and labels (N,); NaN for N = 0.

    weights: as for `calibrate`; with `sampling.class_weights` the result is the mean over classes of the class means.
    """
    if len(labels) == 0:
        return float("nan")
    logs = log_softmax(np.asarray(logits, np.float64) / temperature, axis=1)
    return float(np.average(-logs[np.arange(len(labels)), labels], weights=weights))


def fit_temperature(logits: Floats, labels: Integers, weights: Doubles | None = None) -> float:
    """The temperature T > 0 with the lowest validation NLL (Guo et al. 2017, section 4.2), by Brent's method on log T.

    DIAGen's code optimises T itself by LBFGS without a line search; if the logits are too small, T becomes negative.
    Here the search is over log T: since the NLL is convex in 1/T, it has a single minimum, which the search finds.

    If every image is recognised, there is no such T: the NLL keeps falling as T goes to 0, where every confidence is
    0 or 1, and a handful of images cannot show how confident to be. T is then 1, as it is without images. T is kept
    within [0.01, 100]. If the logits carry no information and the NLL hardly depends on T, T stays near 1.

    weights: as for `calibrate`.
    """
    if len(labels) == 0 or all_recognised(logits, labels):
        return 1.0
    limit = math.log(MAX_TEMPERATURE)

    def loss(log_t: float) -> float:
        return negative_log_likelihood(logits, labels, math.exp(log_t), weights) + _NEAR_ONE * log_t**2

    found = minimize_scalar(loss, bounds=(-limit, limit), method="bounded", options={"xatol": 1e-9})
    return math.exp(found.x)


def all_recognised(logits: Floats, labels: Integers) -> bool:
    """Whether the logit of each image's label is strictly the largest, in logits (N, C)."""
    own = np.arange(len(labels)), labels
    others = np.array(logits, np.float64)
    others[own] = -np.inf
    return bool((logits[own] > others.max(axis=1)).all())


def expected_calibration_error(confidence: Floats, correct: Mask, weights: Doubles | None = None) -> float:
    """Mean gap between confidence and accuracy over bins of confidence, weighted by their counts; in [0, 1].

    `confidence` holds the probabilities of the predicted classes, (N,), and `correct` whether they are right, (N,). NaN
    for N = 0. With weights (as for `calibrate`) a bin's confidence and accuracy are weighted means, and its count is
    the sum of its weights.
    """
    if len(correct) == 0:
        return float("nan")
    weights = np.ones(len(correct)) if weights is None else weights
    gaps = np.abs(np.bincount(bin_of(confidence), weights * (correct - confidence), minlength=BINS))
    return float(gaps.sum() / weights.sum())


def bin_of(confidence: Floats) -> Integers:
    """Index of each confidence's bin; bins have equal width, open below and closed above (Guo et al. 2017, Eq. 3)."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
