"""What a figure is, and the error for a figure whose runs are missing."""

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

    caption: what the figure shows, in words; also its alternative text.
    data: every number that is drawn.
    notes: what limits the interpretation (one seed, runs left out, …); they are also printed under the figure.
    """

    figure: Figure
    caption: str
    data: Table
    notes: tuple[str, ...] = ()


Draw = Callable[[Sequence[Group]], Drawing]


class MissingRuns(UserError):
    """The runs for a figure are missing; the one-line message gives the command that makes them for `groups`."""

    def __init__(self, what: str, command: str, groups: Sequence[Group] = ()) -> None:
        super().__init__(f"{what}; `{command_for(groups, command)}` makes such runs")


def group_notes(groups: Sequence[Group]) -> tuple[str, ...]:
    """Notes on what was left out of the groups; each names its group if there are several."""
    alone = len(groups) == 1
    return tuple(note if alone else f"{group.title}: {note}" for group in groups for note in group.notes)


def group_name(group: Group, groups: Sequence[Group]) -> str:
    """The dataset, followed by preset and protocol if these differ between the groups."""
    presets = {other.preset for other in groups}
    protocols = {other.protocol for other in groups}
    parts = [group.dataset, group.preset if len(presets) > 1 else "", group.protocol if len(protocols) > 1 else ""]
    return " · ".join(part for part in parts if part)
