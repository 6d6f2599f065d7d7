"""Means over seeds with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from evaluation.intervals import Interval, share_interval


@dataclass(frozen=True)
class Estimate:
    """Mean over `n` seeds and its 95% confidence interval (Student's t); the limits are NaN if there is none."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def has_interval(self) -> bool:
        return not math.isnan(self.low)


def estimate(
    values: Iterable[float], interval: Callable[[Sequence[float]], Interval | None] = share_interval
) -> Estimate | None:
    """The estimate from one value per seed, or None if there is no finite value; NaN and infinity count as missing.

    Args:
        interval: `share_interval`, or `mean_interval` for values that are not shares, such as differences of shares.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    centre = mean(known)
    low, high = interval(known) or (math.nan, math.nan)
    return Estimate(centre, low, high, len(known))


def seed_notes(estimates: Iterable[Estimate]) -> tuple[str, ...]:
    """Notes on what the number of seeds means for the reader."""
    known = list(estimates)
    counts = sorted({one.n for one in known})
    if counts == [1]:
        return ("One seed: points have no interval, and their differences may be chance.",)
    many = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    notes = [f"Means over {many} seeds, with 95% confidence intervals (Student's t over seeds)."]
    if not all(one.has_interval for one in known):
        notes.append("Points of a single seed, or of seeds that agree, have no interval.")
    return (" ".join(notes),)
