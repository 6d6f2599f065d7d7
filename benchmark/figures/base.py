"""What a figure is, and how one says that the runs for it are missing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.records import Table, as_text, overrides_of_images
from benchmark.selection import Group
from benchmark.settings import RunSettings
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


def command_for(groups: Sequence[Group], command: str) -> str:
    """`python -m benchmark …` on what the runs of one of the groups are on, so that its figure can be drawn then.

    A group on what a command takes by itself needs no options; where there is none, it is the first group.
    """
    options = min(map(_options, groups), key=bool, default={})
    words = [word for name, value in options.items() for word in (name, shlex.quote(value))]
    return " ".join(("python -m benchmark", command, *words))


def _options(group: Group) -> dict[str, str]:
    """As `run_command` writes them for a run of the group, without what every command takes by itself."""
    record = group.records[0]
    given = {name: record.parameters.get(name) or record.tags.get(name, "") for name in ("preset", "protocol")}
    usual = RunSettings()
    options = {
        "--dataset": (group.registered, usual.dataset),
        "--data-root": ("DATA_ROOT" if record.parameters.get("data_root") else "", ""),
        "--preset": (given["preset"], usual.preset),
        "--protocol": (given["protocol"], usual.protocol),
        "--set": (as_text(overrides_of_images(record.tags)), ""),
    }
    return {name: value for name, (value, default) in options.items() if value not in ("", default)}


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
