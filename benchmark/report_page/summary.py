"""The summary in words: who leads and by how much, what can be trusted, and what was left out or is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.comparison import Comparison
from benchmark.leaderboard import Board, seeds_in_words
from benchmark.report_page.content import Summary
from benchmark.selection import Group
from datasets.plurals import counted

SETS = {"uncommon": "uncommon settings", "test": "the test set"}
NAMED = 5
"""Maximum number of methods with the same mean that a sentence names."""


def summarise(group: Group, boards: Sequence[Board]) -> Summary:
    """The summary of a group, whose boards all have the same comparisons."""
    comparisons = [pair for name in SETS for pair in boards[0].comparisons if pair.test_set == name]
    leads = [_lead(board, name) for board in boards for name in SETS]
    return Summary(
        title=group.title,
        leads=tuple(sentence for sentence in leads if sentence),
        significant=tuple(pair.verdict for pair in comparisons if pair.significant),
        none_significant=_none_significant(comparisons),
        open=tuple(pair.verdict for pair in comparisons if not pair.significant),
        notes=_notes(group, boards),
    )


def _lead(board: Board, test_set: str) -> str:
    """Who has the highest mean; methods that lack a seed are not ranked, so that a missing cell makes no leader."""
    scores = {row.label: score for row in board.rows if (score := row.scores.get(f"accuracy/{test_set}"))}
    seeds = {seed for score in scores.values() for seed in score.values}
    means = {label: 100 * score.mean for label, score in scores.items() if len(score.values) == len(seeds)}
    where = f"{counted(board.shots, 'shot')}, {SETS[test_set]}"
    if not seeds:
        return ""
    if not means:
        return f"{where}: no method has all {len(seeds)} seeds."
    return f"{where}: {_ranking(means)} ({_over(len(seeds), len(scores) - len(means))})."


def _ranking(means: Mapping[str, float]) -> str:
    first, *others = sorted(means, key=lambda label: (-means[label], label))
    if not others:
        return f"{first} alone, {means[first]:.1f}%"
    gaps = {other: round(means[first] - means[other], 1) for other in others}
    level = [first, *(other for other in others if gaps[other] == 0)]
    if len(level) > 1:
        return f"{_listed(level)} are level at {means[first]:.1f}%"
    followers = [other for other in others if gaps[other] == gaps[others[0]]]
    return f"{first} leads with {means[first]:.1f}%, {gaps[others[0]]:.1f} points ahead of {_listed(followers)}"


def _listed(labels: Sequence[str]) -> str:
    """`a, b and c`; if there are many, the first `NAMED` and how many more."""
    more = len(labels) - NAMED
    *most, last = labels if more <= 0 else [*labels[:NAMED], f"{more} more"]
    return f"{', '.join(most)} and {last}" if most else last


def _none_significant(comparisons: Sequence[Comparison]) -> str:
    """The sentence if no difference is significant; it does not count untested differences as insignificant."""
    untested = sum(not pair.tested for pair in comparisons)
    if not untested:
        return "No difference between two methods is significant."
    if untested == len(comparisons):
        return "Too few seeds to tell any two methods apart."
    return f"No difference that could be tested is significant; {untested} of {len(comparisons)} have too few seeds."


def _over(seeds: int, unranked: int) -> str:
    counted = "one seed" if seeds == 1 else f"mean over {seeds} seeds"
    who = "1 method that lacks a seed is" if unranked == 1 else f"{unranked} methods that lack a seed are"
    return f"{counted}; {who} not ranked" if unranked else counted


def _notes(group: Group, boards: Sequence[Board]) -> tuple[str, ...]:
    """Notes on what was left out of the group and of each board, then on the cells without a finished run."""
    own = [(board.shots, note) for board in boards for note in board.notes if note not in group.notes]
    missing = [
        f"{row.label}, {counted(board.shots, 'shot')}: no finished run of {seeds_in_words(row.missing)}"
        for board in boards
        for row in board.rows
        if row.missing
    ]
    return (*group.notes, *(f"{counted(shots, 'shot')}: {note}" for shots, note in own), *missing)
