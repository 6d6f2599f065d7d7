"""What the options of several commands choose."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from benchmark.setting_checks import parse_numbers, parts_of
from datasets.errors import UnknownName, UserError

if TYPE_CHECKING:
    from benchmark.selection import Group
    from benchmark.tracking import Tracker


def tracked_groups(
    tracker: Tracker, dataset: str, preset: str, protocol: str, shots: str = "", methods: str = ""
) -> list[Group]:
    """The groups of finished runs that the options of a command choose.

    Args:
        preset, protocol: a name, as a leaderboard shows it, or the path of a file; the file's name alone does where one
            of that name was run.

    Raises:
        UserError: a method neither registered nor tracked, no finished run is of what was chosen, or the tracked runs
            have not finished.
    """
    from benchmark.selection import comparable, none_finished, nothing_chosen
    from benchmark.setting_files import preset_identity, protocol_identity
    from methods.base import METHODS

    chosen = parse_numbers("shots", shots, minimum=1) if shots else ()
    names = names_in("methods", methods) if methods else []
    cells = tracker.cells()
    preset = _as_shown(preset_identity(preset), {cell.tags.get("preset", "") for cell in cells})
    protocol = _as_shown(protocol_identity(protocol), {cell.tags.get("protocol", "") for cell in cells})
    known = {*METHODS, *(cell.tags["method"] for cell in cells)}  # a plugin's runs are told without the plugin
    for name in names:
        if name not in known:
            raise UnknownName("method", name, known)
    groups = comparable(cells, dataset, preset, chosen, protocol, names)
    if not groups and cells:
        tracked = comparable(cells)
        raise nothing_chosen(tracked, dataset, preset, protocol, names) if tracked else none_finished(cells)
    return groups


def _as_shown(name: str, tracked: Set[str]) -> str:
    """`my` stands for `my (3f2a91)`, if no other file of that name was run."""
    files = [known for known in tracked if known.rpartition(" (")[0] == name]
    return files[0] if len(files) == 1 and name not in tracked else name


def names_in(what: str, text: str) -> list[str]:
    """The names in the text of an option, separated by commas; raises `UserError` where there is none."""
    names = parts_of(text)
    if not names:
        raise UserError(f"--{what} is empty: name at least one")
    return list(dict.fromkeys(names))
