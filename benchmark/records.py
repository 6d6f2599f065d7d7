"""Records of tracked cells, from which all tables, figures and the report are made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from datasets.plurals import counted

Table = Mapping[str, Sequence[Any]]
"""Column name → values; all columns have the same length."""

FINISHED, FAILED, RUNNING = "FINISHED", "FAILED", "RUNNING"
ALL_COMPONENTS = "all_components"
"""The tag that lists all components of a run's method, whether on or off."""


PLAN, CALIBRATION = "plan", "calibration"
"""The tables of a cell's synthetic images and of its guide classifier; a cell that has neither lacks them."""

SPLIT_FILE = "split.json"
"""The artifact that names a cell's images."""

LONGEST_NUMBER = 18
"""Maximum digits in a cell's shots or seed: longer numbers have no use, and Python refuses to parse thousands."""


def tells_its_cell(tags: Mapping[str, str]) -> bool:
    """Whether the tags of a run describe a cell: others who share the server may also use the tag `level`."""
    named = all(tags.get(name) for name in ("method", "dataset"))
    numbers = [tags.get(name, "") for name in ("shots", "seed")]
    return named and all(number.isdecimal() and len(number) <= LONGEST_NUMBER for number in numbers)


class Cell(NamedTuple):
    """The number of shots and the seed with which a method is run on a dataset."""

    shots: int
    seed: int


@dataclass(frozen=True)
class Record:
    """One cell (a method on a dataset at one number of shots and one seed) as it was tracked.

    tags: `method`, `components`, `dataset`, `preset`, `protocol`, `shots`, `seed`, `overrides`, provenance.
    metrics: by name; docs/records.md gives their ranges; accuracies are shares in [0, 1].
    ended: end time in milliseconds since 1970; 0 while the run is in progress.
    status: MLflow's: `FINISHED`, `RUNNING`, `FAILED` or `KILLED`.
    run: MLflow's identifier of the run.
    parameters: every setting, as text.
    tables: by name (`predictions_test`, `plan`, …).
    files: other artifacts by name (`thumbnails.webp`), as bytes.
    """

    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    ended: int = 0
    status: str = FINISHED
    run: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def cell(self) -> Cell:
        return Cell(self.shots, self.seed)

    @property
    def shots(self) -> int:
        return int(self.tags["shots"])

    @property
    def seed(self) -> int:
        return int(self.tags["seed"])

    @property
    def title(self) -> str:
        return cell_title(self.tags, self.cell)

    @property
    def seconds(self) -> float | None:
        """Total time of all stages; None if none was timed."""
        stages = [value for name, value in self.metrics.items() if name.startswith("seconds/")]
        return sum(stages) if stages else None


def overrides(tags: Mapping[str, str]) -> dict[str, str]:
    """Settings in which a run differs from a plain run of its method, from the tag `overrides`: name → value.

    Settings that say which images are used are left out: images are compared by their content.
    """
    return {name: value for name, value in _all_overrides(tags).items() if not name.startswith(_of_images(tags))}


def overrides_of_images(tags: Mapping[str, str]) -> dict[str, str]:
    """The rest of the tag `overrides`, the settings that say which images are used: name → value."""
    return {name: value for name, value in _all_overrides(tags).items() if name.startswith(_of_images(tags))}


def _all_overrides(tags: Mapping[str, str]) -> dict[str, str]:
    return name_and_settings(f" {tags.get('overrides', '')}")[1]


def _of_images(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Prefixes of the names of settings that say which images are used."""
    return ("unreadable", f"{tags['dataset']}.")


def as_text(settings: Mapping[str, str]) -> str:
    """`classifier.epochs=5 diagen.strength=0.7`."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def method_label(tags: Mapping[str, str]) -> str:
    """`diagen`, `diagen [noise] classifier.epochs=5`: the method, and all that distinguishes a run from a plain one."""
    switched = "" if has_all_components(tags) else f"[{tags['components']}]"
    return " ".join(part for part in (tags["method"], switched, as_text(overrides(tags))) if part)


def has_all_components(tags: Mapping[str, str]) -> bool:
    """Whether all components of the run's method were on."""
    return tags.get("components", "") in ("", _all_components(tags))


def name_and_settings(label: str) -> tuple[str, dict[str, str]]:
    """Split a method's label into its name (`diagen [noise]`) and the settings that follow (name → value)."""
    name, *settings = re.split(r" (?=[\w.]+=)", label)  # values may hold spaces
    return name, dict(part.split("=", 1) for part in settings)


def tested_on(records: Sequence[Record]) -> list[str]:
    """The test sets that at least one record was tested on, `test` first."""
    names = {name.split("/")[1] for record in records for name in record.metrics if _is_test_set(name)}
    return sorted(names, key=lambda name: (name != "test", name))


def cell_title(tags: Mapping[str, str], cell: Cell) -> str:
    """`diagen [noise] on mini_focus, 4 shots, seed 0`."""
    return f"{method_label(tags)} on {tags['dataset']}, {counted(cell.shots, 'shot')}, seed {cell.seed}"


def _is_test_set(metric: str) -> bool:
    return metric.count("/") == 1 and metric.startswith("accuracy/") and metric != "accuracy/val"


def _all_components(tags: Mapping[str, str]) -> str:
    """The tag `components` of a run with all components on.

    It is read from the run, because the method may come from a plugin that is not loaded. Runs of earlier releases lack
    it; for them the registered method is asked.
    """
    from methods.base import METHODS

    method = tags["method"]
    return tags.get(ALL_COMPONENTS, ",".join(METHODS[method].components) if method in METHODS else "")


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Turn rows into a table with these column names; without rows every column is empty."""
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
