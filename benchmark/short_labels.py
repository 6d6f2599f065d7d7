"""Short names of rows: settings that all rows share are stated once elsewhere, and those that differ come first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark.records import as_text, name_and_settings
from methods.base import METHODS, settings_without_part

AT_SHOTS = re.compile(r"(,| ·) k = \d+$")
"""The end of the name of a figure's line or panel that is for one number of shots."""


@dataclass(frozen=True)
class _Label:
    """The parts of `diagen [noise] classifier.epochs=5, k = 2`: `diagen [noise]`, the settings, and `, k = 2`."""

    head: str
    settings: dict[str, str]
    tail: str

    @property
    def method(self) -> str:
        return re.sub(r" \[[^\]]*\]$", "", self.head)


def short_labels(labels: Sequence[str]) -> dict[str, str]:
    """Label → a short form that distinguishes it from the others.

    Settings that all labels share are left out, settings that differ from other rows of the same method come first, and
    settings of the method itself are named without it (`strength` for `diagen.strength`).
    """
    split = [_split(label) for label in labels]
    left_out = _shared(split)
    return {label: _short(own, split, left_out) for label, own in zip(labels, split, strict=True)}


def shared_note(labels: Iterable[str]) -> tuple[str, ...]:
    """The settings that `short_labels` leaves out."""
    shared = _shared([_split(label) for label in labels])
    return (f"Settings common to all methods that have them: {as_text(shared)}.",) if shared else ()


def _split(label: str) -> _Label:
    tail = AT_SHOTS.search(label)
    start = label[: tail.start()] if tail else label
    return _Label(*name_and_settings(start), tail.group() if tail else "")


def _shared(labels: Sequence[_Label]) -> dict[str, str]:
    """Settings with the same value in all labels, ignoring labels of methods that have no such setting."""
    values = {name: value for label in labels for name, value in label.settings.items()}
    return {
        name: value
        for name, value in values.items()
        if all(label.settings.get(name) == value for label in labels if _has_setting(label.method, name))
    }


def _has_setting(method: str, setting: str) -> bool:
    """Whether a method's runs can differ in a setting: not if it is for another method, or for a service not used."""
    unused = settings_without_part(METHODS[method]) if method in METHODS else ()
    return not setting.startswith((*(f"{name}." for name in METHODS if name != method), *unused))


def _short(label: _Label, labels: Sequence[_Label], left_out: dict[str, str]) -> str:
    same_method = [other.settings for other in labels if other.method == label.method]

    def alike(name: str) -> bool:
        return len({settings.get(name) for settings in same_method}) == 1

    told = sorted((name for name in label.settings if name not in left_out), key=alike)
    settings = {name.removeprefix(f"{label.method}."): label.settings[name] for name in told}
    return " ".join(part for part in (label.head, as_text(settings)) if part) + label.tail
