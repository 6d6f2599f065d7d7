"""The text below a leaderboard: what is missing, which methods differ, and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmark.comparison import Comparison
from benchmark.leaderboard import TEST_SETS, Board, Score, seeds_in_words

NO_SPREAD = "†"
"""Marks an accuracy without an interval over seeds."""
PAIRS = 10
"""Up to this many comparisons are all listed; if there are more, only the significant ones are."""


def remarks(board: Board) -> list[str]:
    """Lines about what is missing and what was left out."""
    missing = [f"missing: {row.label}, {seeds_in_words(row.missing)}" for row in board.rows if row.missing]
    return [clean(line) for line in [*missing, *board.notes]]


def pairs(boards: Sequence[Board]) -> list[str]:
    """Lines about the comparisons of a group's methods, which its boards share, on the test set that ranks them."""
    test_set = TEST_SETS[boards[0].ranked_by]
    found = [comparison for comparison in boards[0].comparisons if comparison.test_set == test_set]
    if not found:
        return []
    told = found if len(found) <= PAIRS else [comparison for comparison in found if comparison.significant]
    verdicts = [clean(comparison.verdict) for comparison in told]
    return verdicts if len(told) == len(found) else [*verdicts, *_not_told(found)]


def _not_told(found: Sequence[Comparison]) -> list[str]:
    """Lines about the pairs that are not significant; pairs that could not be tested are listed separately."""
    tested = [comparison for comparison in found if comparison.tested]
    significant = sum(comparison.significant for comparison in tested)
    untested = len(found) - len(tested)
    lines = []
    if significant < len(tested):
        which = f"{'other ' if significant else ''}pair{' with enough seeds' if untested else ''}"
        lines.append(f"no {which} differs significantly ({len(tested)} tested)")
    if untested:
        lines.append(f"too few seeds to tell {untested if tested else 'any'} of {len(found)} pairs apart")
    return lines


def pairs_title(boards: Sequence[Board]) -> str:
    """The line above `pairs`."""
    shots = ", ".join(str(board.shots) for board in boards)
    return f"All pairs of methods, compared by seed at k = {shots}; p after Holm's correction:"


def legend(boards: Sequence[Board]) -> list[str]:
    """Lines that explain those signs and columns that occur in these boards."""
    scores = [row.scores[name] for board in boards for row in board.rows for name in TEST_SETS if name in row.scores]
    several = [score for score in scores if score.over_seeds]
    single = [score for score in scores if not score.over_seeds]
    lines = []
    if several:
        counts = _range([len(score.values) for score in several])
        lines.append(f"intervals: 95%, Student's t over {counts} seeds{_within_a_seed(several)}")
    if single:
        known = [score for score in single if score.over_images]
        which = "the interval" if len(known) == len(single) else "the interval, where there is one,"
        what = f"{which} is over its test images (95%, bootstrap or exact)" if known else "no interval"
        lines.append(f"{NO_SPREAD}: one seed, or seeds that agree: {what}")
    cells = [board.ranked_cells for board in boards if board.ranked_cells]
    if cells:
        plural = "s" * (max(cells) > 1)
        lines.append(f"rank: mean over the {_range(cells)} cell{plural} (shots, seed) that all methods finished")
    lines.append("time: mean per run; what was reused from the store cost nothing")
    return [*lines, *(clean(line) for board in boards for line in board.over_datasets)]


def _within_a_seed(scores: Iterable[Score]) -> str:
    """A phrase about how wide the intervals over images are."""
    halves = [50 * (score.over_images[1] - score.over_images[0]) for score in scores if score.over_images]
    if not halves:
        return ""
    widths = dict.fromkeys(f"{half:.1f}" for half in (min(halves), max(halves)))
    return f"; within a seed, over its test images: ± {'–'.join(widths)} (bootstrap or exact)"


def _range(counts: Iterable[int]) -> str:
    ordered = sorted(counts)
    return "–".join(map(str, dict.fromkeys((ordered[0], ordered[-1]))))


def clean(text: str) -> str:
    """The text on one line, without characters that control a terminal."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
