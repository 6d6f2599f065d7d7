"""Outcomes of two methods' classifiers on the same test images, side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.records import Cell, Record
from evaluation.arrays import Doubles, Integers
from evaluation.crossed_test import image_covariance, image_influence
from evaluation.significance import paired_bootstrap

Pairs = Mapping[Cell, tuple[Record, Record]]
Outcomes = Mapping[str, tuple[str, bool]]
"""Image → its class and whether it was classified correctly."""


class Answers:
    """The outcomes of each record's classifier on one test set; every table is read only once."""

    def __init__(self, test_set: str) -> None:
        self.test_set = test_set
        self._known: dict[int, Outcomes | None] = {}

    def accuracy(self, record: Record) -> float:
        """Mean per-class accuracy in [0, 1]; NaN if it was not logged."""
        return record.metrics.get(f"accuracy/{self.test_set}", math.nan)

    def of(self, record: Record) -> Outcomes | None:
        """The outcomes; None if no predictions were logged."""
        if id(record) not in self._known:
            self._known[id(record)] = self._read(record)
        return self._known[id(record)]

    def _read(self, record: Record) -> Outcomes | None:
        table = record.tables.get(f"predictions_{self.test_set}")
        if table is None:
            return None
        rows = zip(table["image"], table["label"], table["prediction"], strict=True)
        return {str(image): (str(label), label == prediction) for image, label, prediction in rows}


@dataclass(frozen=True)
class SideBySide:
    """Two methods on the I test images of the cells that they share, with n seeds.

    advantage: number of cells where only the first is right minus number where only the second is, by image, (I,).
    times: number of cells in which an image occurs, (I,); labels: (I,).
    influences: `image_influence` of each image on each seed's difference, averaged over the seed's shots, (I, n).
    """

    advantage: Doubles
    times: Doubles
    labels: Integers
    influences: Doubles

    @property
    def covariance(self) -> float:
        """Covariance of two seeds' differences due to the test images that they share."""
        return image_covariance(self.influences)

    @property
    def p(self) -> float:
        """The p value of the paired bootstrap over images, that is, for the same classifiers on other test images."""
        return paired_bootstrap(self.advantage, self.times, self.labels)


def side_by_side(pairs: Pairs, answers: Answers) -> SideBySide | None:
    """The outcomes of all cells; None unless both methods have predictions of the same images in every cell."""
    cells = [(seed, answers.of(one), answers.of(other)) for (_, seed), (one, other) in pairs.items()]
    known = [(seed, a, b) for seed, a, b in cells if a and b and a.keys() == b.keys()]
    if len(known) < len(cells) or not cells:
        return None
    names = {image: label for _, outcomes, _ in known for image, (label, _) in outcomes.items()}
    row_of = {image: row for row, image in enumerate(names)}
    labels = np.unique(list(names.values()), return_inverse=True)[1]
    shots, columns = Counter(seed for seed, _, _ in known), sorted({seed for seed, _, _ in known})
    advantage, times = np.zeros(len(names)), np.zeros(len(names))
    influences = np.zeros((len(names), len(columns)))
    for seed, outcomes, others in known:
        rows = np.array([row_of[image] for image in outcomes])
        gained = np.array([float(right) - float(others[image][1]) for image, (_, right) in outcomes.items()])
        advantage[rows] += gained
        times[rows] += 1
        influences[rows, columns.index(seed)] += image_influence(gained, labels[rows]) / shots[seed]
    return SideBySide(advantage, times, labels, influences)
