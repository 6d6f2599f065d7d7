"""What a figure is, and how one says that the runs for it are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.records import Table
from benchmark.run_command import command_for
from benchmark.selection import Group
from datasets.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A drawn figure and what it was drawn from.

    caption: what there is to see, in words; also the text for a reader who does not see it.
    data: every number that is drawn.
    notes: what limits the reading (one seed, runs left out, …); they stand under the figure too.
    """

    figure: Figure
    caption: str
    data: Table
    notes: tuple[str, ...] = ()


Draw = Callable[[Sequence[Group]], Drawing]


class MissingRuns(UserError):
    """The runs of a figure are not there; the message's one line gives the command that makes them for `groups`."""

    def __init__(self, what: str, command: str, groups: Sequence[Group] = ()) -> None:
        super().__init__(f"{what}; `{command_for(groups, command)}` makes such runs")


def group_notes(groups: Sequence[Group]) -> tuple[str, ...]:
    """What was left out of the groups, each note with its group where there are several."""
    alone = len(groups) == 1
    return tuple(note if alone else f"{group.title}: {note}" for group in groups for note in group.notes)


def group_name(group: Group, groups: Sequence[Group]) -> str:
    """The dataset; preset and protocol too where they tell groups apart."""
    presets = {other.preset for other in groups}
    protocols = {other.protocol for other in groups}
    parts = [group.dataset, group.preset if len(presets) > 1 else "", group.protocol if len(protocols) > 1 else ""]
    return " · ".join(part for part in parts if part)
