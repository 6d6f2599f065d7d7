"""What the page shows, ready for the template, which never reads a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOT_KNOWN = "–"


@dataclass(frozen=True)
class Column:
    """A column of figures.

    metric: a score's name, or a fact about the leaderboard's rows.
    meaning: one sentence, shown to a reader who points at the heading.
    scale: the factor for values; 100 turns shares into percentages.
    better: `higher` or `lower` if the best value of a group is marked; empty if it is not.
    """

    metric: str
    title: str
    meaning: str
    scale: float = 100.0
    digits: int = 1
    better: str = ""


@dataclass(frozen=True)
class Value:
    """A figure with its 95% interval over `seeds` or `images`, scaled like its column; None if it is not known.

    whole: whether no run is missing that it should rest on; only then can it be the best.
    """

    mean: float | None
    low: float | None = None
    high: float | None = None
    over: str = "seeds"
    whole: bool = True
    digits: int = 1
    best: bool = False

    @property
    def text(self) -> str:
        return NOT_KNOWN if self.mean is None else self._written(self.mean)

    @property
    def interval(self) -> str:
        """`57.0 to 65.6`, or `… over images`; empty if there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"{self._written(self.low)} to {self._written(self.high)}" + " over images" * (self.over == "images")

    def _written(self, number: float) -> str:
        return f"{number:,.{self.digits}f}".replace("-", "−")


@dataclass(frozen=True)
class Line:
    """A method on a dataset at one number of shots.

    followed: preset and protocol.
    seeds: number of runs that it rests on.
    missing: number of further runs that there should be.
    """

    method: str
    dataset: str
    followed: str
    shots: int
    seeds: int
    missing: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Table:
    """Lines with a value for each of the columns."""

    name: str
    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Summary:
    """What to say about a group of comparable runs.

    leads: who has the highest mean.
    significant, open: verdicts of the paired comparisons.
    none_significant: the sentence to use if `significant` is empty.
    notes: what is missing.
    """

    title: str
    leads: tuple[str, ...]
    significant: tuple[str, ...]
    none_significant: str
    open: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A figure as data URIs, or a line that says why there is none."""

    name: str
    title: str
    caption: str = ""
    notes: tuple[str, ...] = ()
    image: str = ""
    data: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Sheet:
    """A run's images: `tiles` holds columns of facts, one value for each tile of the picture."""

    group: str
    title: str
    picture: str
    tiles: Mapping[str, Any]


@dataclass(frozen=True)
class Gallery:
    """The runs whose images can be viewed, and notes on what was left out."""

    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The settings of a group's methods, in rows that begin with a parameter's name.

    different: rows with a value for each method.
    same: rows with the one value that all methods have.
    """

    title: str
    methods: tuple[str, ...]
    different: tuple[tuple[str, ...], ...]
    same: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RunFacts:
    """Where the results of one cell come from."""

    method: str
    group: str
    shots: int
    seed: int
    ended: str
    commit: str
    split: str
    run: str


@dataclass(frozen=True)
class Provenance:
    """What made the runs; `facts` are names with their values, several if runs differ."""

    facts: tuple[tuple[str, str], ...]
    settings: tuple[Settings, ...]
    commands: tuple[str, ...]
    runs: tuple[RunFacts, ...]


@dataclass(frozen=True)
class PageContent:
    """The entire content of a report."""

    subtitle: str
    summaries: tuple[Summary, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    gallery: Gallery
    provenance: Provenance
