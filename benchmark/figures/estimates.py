"""Means over seeds with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from evaluation.intervals import Interval, share_interval


@dataclass(frozen=True)
class Estimate:
    """Mean of `n` seeds and its 95% confidence interval (Student's t); NaN limits where seeds give none."""

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
    """From one value a seed; NaN and infinite ones count as missing, and without any other there is no estimate.

    Args:
        interval: `share_interval`, or `mean_interval` for values that are no shares, such as differences of them.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    centre = mean(known)
    low, high = interval(known) or (math.nan, math.nan)
    return Estimate(centre, low, high, len(known))


def seed_notes(estimates: Iterable[Estimate]) -> tuple[str, ...]:
    """What the numbers of seeds mean for the reading."""
    known = list(estimates)
    counts = sorted({one.n for one in known})
    if counts == [1]:
        return ("One seed: points have no interval, and their differences may be chance.",)
    many = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    notes = [f"Means over {many} seeds, with 95% confidence intervals (Student's t over seeds)."]
    if not all(one.has_interval for one in known):
        notes.append("Points of a single seed, or of seeds that agree, have no interval.")
    return (" ".join(notes),)
