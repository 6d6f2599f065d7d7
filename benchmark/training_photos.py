"""The real images that a tracked cell was trained on."""

from __future__ import annotations

from dataclasses import replace

from benchmark.records import Record
from benchmark.setting_checks import split_overrides
from benchmark.settings import RunSettings, open_dataset, resolve_settings
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.split_file import TRAIN, Split, replay, split_from

SPLIT_FILE = "split.json"


def training_task(cell: Record, data_root: str = "") -> FewShotTask:
    """The cell's task with its training images alone, each of the same content as when it ran.

    Args:
        data_root: where the data lies now; empty: where it lay when the cell ran.

    Raises:
        UserError: the data is not there, or changed; or the cell is of a release that kept no split.
    """
    split = _split(cell)
    trained_on = replace(split, images=tuple(image for image in split.images if image.split == TRAIN))
    return replay(trained_on, open_dataset(_settings(cell, data_root)))


def _split(cell: Record) -> Split:
    if SPLIT_FILE not in cell.files:
        raise UserError(f"run {cell.run} holds no {SPLIT_FILE}, which names its images")
    return split_from(cell.files[SPLIT_FILE], f"{SPLIT_FILE} of run {cell.run}")


def _settings(cell: Record, data_root: str) -> RunSettings:
    """Those that open the cell's dataset; its method may be one that is not loaded here."""
    name = cell.tags["dataset"]
    overrides = split_overrides([cell.tags.get("overrides", "")])
    return resolve_settings(
        dataset=name,
        data_root=data_root or cell.parameters.get("data_root", ""),
        preset=cell.tags["preset"],
        protocol=cell.tags.get("protocol") or RunSettings.protocol,
        overrides=tuple(text for text in overrides if text.startswith((f"{name}.", "unreadable="))),
    )
