"""What two methods' classifiers said of the same test images, side by side."""

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
"""Image → its class and whether it was recognised."""


class Answers:
    """What each record's classifier recognised on one test set; every table is read once."""

    def __init__(self, test_set: str) -> None:
        self.test_set = test_set
        self._known: dict[int, Outcomes | None] = {}

    def accuracy(self, record: Record) -> float:
        """Mean per-class accuracy in [0, 1]; NaN where it was not logged."""
        return record.metrics.get(f"accuracy/{self.test_set}", math.nan)

    def of(self, record: Record) -> Outcomes | None:
        """The outcomes; None where no predictions were logged."""
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
    """Two methods on the I test images of their shared cells, of n seeds.

    advantage: in how many cells the first alone is right, minus those of the second, (I,).
    times: in how many cells an image occurs, (I,); labels: (I,).
    influences: `image_influence` on the difference of each seed, the mean over its shots, (I, n).
    """

    advantage: Doubles
    times: Doubles
    labels: Integers
    influences: Doubles

    @property
    def covariance(self) -> float:
        """Of two seeds' differences, by the images in common."""
        return image_covariance(self.influences)

    @property
    def p(self) -> float:
        """Of the paired bootstrap over images: these classifiers on other test images."""
        return paired_bootstrap(self.advantage, self.times, self.labels)


def side_by_side(pairs: Pairs, answers: Answers) -> SideBySide | None:
    """The outcomes of all cells; None unless each has predictions of the same images by both methods."""
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
