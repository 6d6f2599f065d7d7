"""The real images that a tracked cell was trained on."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from omegaconf import Container, OmegaConf

from benchmark.records import SPLIT_FILE, Record
from benchmark.setting_checks import merge
from benchmark.settings import RunSettings, dataset_schema, open_dataset
from datasets.base import DATASETS, Dataset
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.split_file import TRAIN, Split, replay, split_from


def training_task(cell: Record, data_root: str = "") -> FewShotTask:
    """The cell's task with its training images only, each with the same content as when the cell ran.

    Args:
        data_root: where the data is now; if empty, where it was when the cell ran.

    Raises:
        UserError: the data is missing or changed, or the cell is of a release that kept no split.
    """
    split = _split(cell)
    trained_on = replace(split, images=tuple(image for image in split.images if image.split == TRAIN))
    return replay(trained_on, _open_dataset(cell, data_root), _where(cell))


def class_folders(cell: Record) -> dict[str, str]:
    """Folder names of the cell's classes, by noun; empty for a cell of a release that did not record them.

    They are read from what was tracked, so that folders keep their names if the photos are no longer there.
    """
    if SPLIT_FILE not in cell.files:
        return {}
    split = _split(cell)
    return dict(zip(split.classes, split.class_folders, strict=False))


def _split(cell: Record) -> Split:
    if SPLIT_FILE not in cell.files:
        raise UserError(f"run {cell.run} has no {SPLIT_FILE}, which lists its images")
    return split_from(cell.files[SPLIT_FILE], _where(cell))


def _where(cell: Record) -> str:
    return f"{SPLIT_FILE} of run {cell.run}"


def _open_dataset(cell: Record, data_root: str) -> Dataset:
    """The cell's dataset, opened by its parameters alone: its preset may be gone, and its method may not be loaded."""
    name, plugins = cell.tags["dataset"], cell.parameters.get("plugins", "")
    if plugins and name not in DATASETS:
        raise UserError(f"dataset '{name}' comes from a plugin of the run: add --plugins {shlex.quote(plugins)}")
    settings = RunSettings(
        dataset=name,
        data_root=data_root or cell.parameters.get("data_root", ""),
        unreadable=cell.parameters.get("unreadable", RunSettings.unreadable),
        dataset_settings={name: _own_settings(cell, name)},
    )
    return open_dataset(settings)


def _own_settings(cell: Record, dataset: str) -> Any:
    """The dataset's own settings, from the texts of the cell's parameters; missing or None values become defaults."""
    config = OmegaConf.structured(dataset_schema(dataset))
    texts = {key: cell.parameters.get(f"{dataset}.{key}", "None") for key in config}
    given = {key: _value(config[key], text) for key, text in texts.items() if text != "None"}
    merge(config, given, f"run {cell.run}")
    return OmegaConf.to_object(config)


def _value(default: Any, text: str) -> str | list[str]:
    """A parameter's text in the form that settings take; they turn texts into numbers themselves."""
    return [part for part in text.split(",") if part] if isinstance(default, Container) else text
