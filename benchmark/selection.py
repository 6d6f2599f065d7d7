"""Which tracked cells may be compared with each other, and which are left out and why, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from benchmark.records import FINISHED, Record, has_all_components, method_label
from benchmark.tracking import CHECKPOINT, DATA, FINGERPRINT, PROMPTS, SPLIT
from datasets.errors import UnknownName, UserError
from datasets.grouping import grouped
from datasets.plurals import counted

PAPER = "paper"

NO_RUNS = "no finished run is tracked here: run `python -m benchmark run` first, or set MLFLOW_TRACKING_URI"
"""What a user is told when there is no group."""


@dataclass(frozen=True)
class Group:
    """Finished cells of one dataset, preset and protocol: one per method label, number of shots and seed.

    At each number of shots and seed, the cells of all methods used the same images. All cells of a label used the same
    settings and the same generator. `dataset` is the dataset's name; if several sets of images were used under that
    name, as with imagefolder, it also says which. `notes` says in words what was left out.
    """

    dataset: str
    preset: str
    protocol: str
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What the cells have in common: dataset, preset and protocol."""
        return self.dataset, self.preset, self.protocol

    @property
    def registered(self) -> str:
        """The name under which the dataset is registered."""
        return self.records[0].tags["dataset"]

    @property
    def title(self) -> str:
        return group_title(*self.key)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({method_label(record.tags) for record in self.records}))


def group_title(dataset: str, preset: str, protocol: str) -> str:
    return f"{dataset} · preset {preset} · protocol {protocol}"


def comparable(
    records: Iterable[Record],
    dataset: str = "",
    preset: str = "",
    shots: Sequence[int] = (),
    protocol: str = "",
    methods: Sequence[str] = (),
) -> list[Group]:
    """Groups of comparable cells, sorted by name.

    Only cells of the given `dataset`, `preset`, `protocol` and `shots` are used, and with `methods` only the runs that
    stand for them (`standing_for_methods`). `dataset` is the name under which a dataset is registered, or the name
    shown for one of its several sets of images.

    If a cell has several finished runs, the latest counts. Runs with other settings than the latest run of their label
    are left out, and so are runs with other images than the latest run at their shots and seed, and groups without a
    finished cell.
    """
    records = list(records)
    names = dataset_names(records)
    chosen = [
        record
        for record in of_dataset(records, dataset)
        if (not preset or _preset(record) == preset)
        and (not protocol or _protocol(record) == protocol)
        and (not shots or record.shots in shots)
    ]
    found = grouped(chosen, lambda record: (names[_data(record)], _preset(record), _protocol(record)))
    if methods:
        found = {key: _of_methods(own, methods) for key, own in found.items()}
    groups = [_group(*key, own) for key, own in sorted(found.items())]
    return [group for group in groups if group.records]


def standing_for_methods(
    records: Sequence[Record], label: Callable[[Record], str] = lambda record: method_label(record.tags)
) -> list[Record]:
    """For each method, its runs with the preset's settings or, if there are none, its runs with other settings.

    Runs with only some of a method's components never stand for it: ablations show them.
    """
    plain = {record.tags["method"] for record in records if label(record) == record.tags["method"]}
    return [
        record
        for record in records
        if label(record) == record.tags["method"]
        or (record.tags["method"] not in plain and has_all_components(record.tags))
    ]


def _of_methods(records: Sequence[Record], methods: Sequence[str]) -> list[Record]:
    """Records under the methods' plain names, or under other labels whose finished runs stand for the methods."""
    standing = standing_for_methods([record for record in records if record.status == FINISHED])
    labels = {*methods, *(method_label(record.tags) for record in standing if record.tags["method"] in methods)}
    return [record for record in records if method_label(record.tags) in labels]


def of_dataset(records: Sequence[Record], dataset: str) -> list[Record]:
    """Records of a dataset, named as it is registered or as `dataset_names` names it; all records for an empty name."""
    if not dataset:
        return list(records)
    names = dataset_names(records)
    return [record for record in records if dataset in (record.tags["dataset"], names[_data(record)])]


def nothing_chosen(
    tracked: Sequence[Group], dataset: str = "", preset: str = "", protocol: str = "", methods: Sequence[str] = ()
) -> UserError:
    """The error that says why no tracked group matches what was chosen; the arguments are those of `comparable`."""
    names = {name for group in tracked for name in (group.registered, group.dataset)}
    for what, name, known in (
        ("dataset", dataset, names),
        ("preset", preset, {group.preset for group in tracked}),
        ("protocol", protocol, {group.protocol for group in tracked}),
    ):
        if name and name not in known:
            return UnknownName(f"{what} among the tracked runs", name, known)
    titles = "; ".join(group.title for group in tracked)
    labels = sorted({label for group in tracked for label in group.labels if label.split()[0] in methods})
    others = f"; --methods leaves out {', '.join(labels)}" if labels else ""
    return UserError(f"no finished run matches what was chosen; there are runs of {titles}{others}")


def none_finished(unfinished: Sequence[Record]) -> UserError:
    """The error that says what became of the tracked runs if none of them has finished."""
    counts = ", ".join(_unfinished(unfinished))
    return UserError(f"no run has finished yet: {counts}; to go on with one that stopped or failed, repeat its command")


def dataset_names(records: Iterable[Record]) -> dict[tuple[str, str], str]:
    """A name for each set of images, by (dataset, data fingerprint).

    It is the dataset's name, with the folder's name if the dataset has several sets of images.
    """
    latest: dict[tuple[str, str], Record] = {}
    for record in sorted(records, key=lambda record: (record.status == FINISHED, record.ended)):
        latest[_data(record)] = record
    finished = {_data(record) for record in latest.values() if record.status == FINISHED}
    sets = Counter(dataset for dataset, _ in finished)
    names = {}
    for (dataset, data), record in latest.items():
        folder = PurePath(record.parameters.get("data_root", "")).name
        which = " ".join(part for part in (folder, data[:6] or "of an earlier release") if part)
        alone = sets[dataset] <= 1 and (dataset, data) in finished
        names[dataset, data] = dataset if alone else f"{dataset} ({which})"
    return names


def _data(record: Record) -> tuple[str, str]:
    return record.tags["dataset"], record.tags.get(DATA, "")


def _preset(record: Record) -> str:
    return record.tags.get("preset", "")


def _protocol(record: Record) -> str:
    return record.tags.get("protocol") or PAPER


def _group(dataset: str, preset: str, protocol: str, records: Sequence[Record]) -> Group:
    finished = sorted(
        (record for record in records if record.status == FINISHED), key=lambda record: (-record.ended, record.run)
    )
    settings = _newest(finished, lambda record: (method_label(record.tags),), FINGERPRINT, CHECKPOINT, PROMPTS)
    images = _newest(settings, lambda record: record.cell, SPLIT)
    latest: dict[tuple[str, int, int], Record] = {}
    for record in images:
        latest.setdefault(_cell(record), record)
    notes = [
        *_unfinished(records),
        *_left_out(len(finished) - len(settings), "earlier settings, prompts or generator under the same name"),
        *_left_out(len(settings) - len(images), "other images than the latest run of the same shots and seed"),
    ]
    chosen = sorted(latest.items(), key=lambda item: item[0])
    return Group(dataset, preset, protocol, tuple(record for _, record in chosen), tuple(notes))


def _newest(records: Sequence[Record], key: Callable[[Record], Any], *tags: str) -> list[Record]:
    """The records whose `tags` agree with those of the first, and so latest, record with the same key."""
    first: dict[Any, tuple[str, ...]] = {}
    kept = []
    for record in records:
        values = tuple(record.tags.get(tag, "") for tag in tags)
        if first.setdefault(key(record), values) == values:
            kept.append(record)
    return kept


def _unfinished(records: Sequence[Record]) -> list[str]:
    """Counts of runs that did not finish, in words, except where another run finished the same cell."""
    done = {_cell(record) for record in records if record.status == FINISHED}
    open_cells = {_cell(record): record.status for record in records if _cell(record) not in done}
    words = {"RUNNING": "still running", "FAILED": "failed", "KILLED": "stopped before its end"}
    counts = Counter(words.get(status, status.lower()) for status in open_cells.values())
    return [f"{counted(count, 'run')} {what}" for what, count in sorted(counts.items())]


def _left_out(count: int, why: str) -> list[str]:
    return [f"{counted(count, 'run')} left out: {why}"] if count else []


def _cell(record: Record) -> tuple[str, int, int]:
    return method_label(record.tags), record.shots, record.seed
