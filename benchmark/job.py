"""One method on one dataset, checked and ready to run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmark.checks import check_prompts_of_classes, check_real_set, check_services, generates, writes_prompts
from benchmark.records import Cell
from benchmark.run_identity import (
    checkpoint_content,
    components_label,
    dataset_fingerprint,
    overrides_of,
    settings_fingerprint,
)
from benchmark.setting_files import preset_identity, protocol_identity
from benchmark.settings import RunSettings, build_method, open_dataset
from benchmark.tracking import CHECKPOINT, DATA, FINGERPRINT, PROMPTS
from datasets.base import Dataset, Example
from datasets.duplicates import duplicates
from datasets.errors import UserError
from datasets.few_shot import FewShotTask, few_shot_task
from datasets.home import path_of
from datasets.plurals import counted
from datasets.seeding import fingerprint
from datasets.split_file import Split, read_split, replay, split_of
from methods.base import Method
from methods.prompts import prompts_content

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One method on one dataset, ready to run: everything that a user can get wrong was checked.

    tasks: by cell, in the order in which they run.
    tags: what tells this job's figures from others'.
    """

    settings: RunSettings
    dataset: Dataset
    method: Method
    tasks: Mapping[Cell, FewShotTask]
    tags: Mapping[str, str]
    _splits: dict[Cell, Split] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        return list(self.tasks)

    @property
    def first_task(self) -> FewShotTask:
        return self.tasks[self.cells[0]]

    def split(self, cell: Cell) -> Split:
        """The cell's images by content; every file is read once."""
        if cell not in self._splits:
            self._splits[cell] = split_of(self.tasks[cell])
            _warn_of_duplicates(self._splits[cell])
        return self._splits[cell]


def open_job(settings: RunSettings, opened: dict[str, Dataset] | None = None) -> Job:
    """Open the dataset and build the method; loads no model.

    Args:
        opened: datasets that other jobs opened already, by their settings; this one is added.

    Raises:
        UserError: anything in the settings or the data that would stop the run later.
    """
    method = build_method(settings)
    check_services(settings, method)
    opened = {} if opened is None else opened
    key = dataset_fingerprint(settings)
    if key not in opened:
        opened[key] = open_dataset(settings)
    check_prompts_of_classes(settings, method, opened[key].classes)
    tasks = _tasks(settings, opened[key])
    for task in tasks.values():
        check_real_set(settings, method, task.tests)
    for line in dict.fromkeys(map(_gaps_in_validation, tasks.values())):
        if line:
            logger.warning(line)
    shots, seeds = (list(dict.fromkeys(values)) for values in zip(*tasks, strict=True))
    own = replace(settings, seeds=seeds, shots=shots)
    # Made once: who edits a preset's file while a sweep is on edits the next one.
    return Job(own, opened[key], method, tasks, _tags(own, method, opened[key]))


def _tags(settings: RunSettings, method: Method, dataset: Dataset) -> dict[str, str]:
    return {
        "method": settings.method,
        "components": components_label(settings),
        "dataset": settings.dataset,
        "preset": preset_identity(settings.preset),
        "protocol": protocol_identity(settings.protocol),
        "overrides": overrides_of(settings),
        FINGERPRINT: settings_fingerprint(settings),
        DATA: _content(dataset),
        CHECKPOINT: checkpoint_content(settings) if generates(method) else "",
        PROMPTS: prompts_content(settings.prompts) if writes_prompts(settings, method) else "",
    }


def _content(dataset: Dataset) -> str:
    """Equal for datasets of the same classes and the same images under the same names, wherever they lie."""
    images = sorted((example.identifier, _mark(dataset, example)) for example in dataset.examples(0))
    return fingerprint("data", dataset.classes, images)[:16]


def _mark(dataset: Dataset, example: Example) -> str:
    """What tells an image from another under its name, without reading MS COCO's 20 GB: a file's size.

    The images that a cell uses are known by their bytes besides (`SPLIT`).
    """
    file = dataset.file(example)
    return dataset.digest(example) if file is None else str(file.stat().st_size)


def _warn_of_duplicates(split: Split) -> None:
    """Images that test a classifier should not have trained it, nor be of two classes."""
    for line in duplicates(split.images):
        logger.warning("%s, %s, seed %d: %s", split.dataset, counted(split.shots, "shot"), split.seed, line)


def _gaps_in_validation(task: FewShotTask) -> str:
    """That classes have no image to validate on, which changes what is trained; empty where each has one."""
    there = {example.label for example in task.validation}
    if not there:
        return (
            f"{task.name}: no validation images: the classifier's last epoch is used instead of its best, and the "
            "guide classifier is trained without early stopping and is not calibrated"
        )
    missing = [name for label, name in enumerate(task.dataset.display_names) if label not in there]
    if not missing:
        return ""
    missed = f"{len(missing)} of the {len(task.classes)} classes without a validation image"
    return f"{task.name}: {missed}: {', '.join(missing)}"


def _tasks(settings: RunSettings, dataset: Dataset) -> dict[Cell, FewShotTask]:
    """The cells' tasks: those of the split files, or every seed with every number of shots."""
    if settings.split_files:
        tasks: dict[Cell, FewShotTask] = {}
        for name in settings.split_files:
            split = read_split(path_of(name))
            if split.dataset != settings.dataset:
                raise UserError(
                    f"{name}: the split file is for {split.dataset}, the run is on {settings.dataset}: set --dataset"
                )
            cell = Cell(split.shots, split.seed)
            if cell in tasks:
                raise UserError(f"two split files for {counted(split.shots, 'shot')}, seed {split.seed}: give only one")
            tasks[cell] = replay(split, dataset, name)
        return tasks
    cells = [Cell(shots, seed) for seed in settings.seeds for shots in settings.shots]
    return {cell: few_shot_task(settings.dataset, dataset, cell.shots, cell.seed) for cell in cells}
