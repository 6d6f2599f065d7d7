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
    """One method on one dataset, ready to run: everything that a user can get wrong has been checked.

    tasks: by cell, in the order in which they run.
    tags: what distinguishes this job's results from those of other jobs.
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
        """The cell's images by content; each cell's files are read only once."""
        if cell not in self._splits:
            self._splits[cell] = split_of(self.tasks[cell])
            _warn_of_duplicates(self._splits[cell])
        return self._splits[cell]


def open_job(settings: RunSettings, opened: dict[str, Dataset] | None = None) -> Job:
    """Open the dataset and build the method; loads no model.

    Args:
        opened: datasets that other jobs have opened, by the fingerprint of their settings; this job's is added.

    Raises:
        UserError: something in the settings or the data would stop the run later.
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
    # The tags are computed once, so editing a preset's file during a sweep affects only the next sweep.
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
    """A fingerprint that depends on the classes and the images with their names, but not on where they are stored."""
    images = sorted((example.identifier, _mark(dataset, example)) for example in dataset.examples(0))
    return fingerprint("data", dataset.classes, images)[:16]


def _mark(dataset: Dataset, example: Example) -> str:
    """What distinguishes images with the same name: the file's size, to avoid reading all 20 GB of MS COCO.

    The images that a cell uses are also identified by their bytes (`benchmark.tracking.SPLIT`).
    """
    file = dataset.file(example)
    return dataset.digest(example) if file is None else str(file.stat().st_size)


def _warn_of_duplicates(split: Split) -> None:
    """Warn of images that appear in more than one split, such as train and test, or in more than one class."""
    for line in duplicates(split.images):
        logger.warning("%s, %s, seed %d: %s", split.dataset, counted(split.shots, "shot"), split.seed, line)


def _gaps_in_validation(task: FewShotTask) -> str:
    """A warning that classes have no validation image, which changes the training; empty if every class has one."""
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
