"""Runs cells, one for each seed and number of shots, in order, and tracks each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.checks import check_services, generates, warn_of_services
from benchmark.evaluate import CellResult, evaluate
from benchmark.failed_cells import CellsFailed, FailedCells
from benchmark.grid import image_grid
from benchmark.progress import Stages
from benchmark.records import ALL_COMPONENTS, FAILED, FINISHED, RUNNING, Cell, method_label
from benchmark.setting_files import preset_identity, protocol_identity
from benchmark.settings import (
    RunSettings,
    build_method,
    checkpoint_content,
    components_label,
    dataset_fingerprint,
    flatten,
    open_dataset,
    overrides_of,
    settings_fingerprint,
)
from benchmark.store import Store
from benchmark.synthetic_checks import check_synthetic
from benchmark.thumbnails import SHEET, TABLE, thumbnails
from benchmark.tools import LocalTools, Models
from benchmark.tracking import (
    CELL,
    CHECKPOINT,
    DATA,
    FINGERPRINT,
    LEVEL,
    RUN,
    SPLIT,
    SWEEP,
    TrackedRun,
    Tracker,
)
from benchmark.train import Classifier, train_classifier
from datasets.base import Dataset, Example
from datasets.duplicates import duplicates
from datasets.errors import UserError
from datasets.few_shot import FewShotTask, few_shot_task
from datasets.plurals import counted
from datasets.seeding import fingerprint
from datasets.split_file import Split, read_split, replay, split_of, to_text
from methods.base import Method, SyntheticSet

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One method on one dataset, ready to run: everything that a user can get wrong was checked.

    tasks: by cell, in the order in which they run.
    data: names the classes and images that the dataset holds, whatever the seed.
    tags: what tells this job's figures from others'.
    """

    settings: RunSettings
    dataset: Dataset
    method: Method
    tasks: Mapping[Cell, FewShotTask]
    data: str
    tags: Mapping[str, str]
    _splits: dict[Cell, Split] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        return list(self.tasks)

    def split(self, cell: Cell) -> Split:
        """The cell's images by content; every file is read once."""
        if cell not in self._splits:
            self._splits[cell] = split_of(self.tasks[cell])
            _warn_of_duplicates(self._splits[cell])
        return self._splits[cell]


def prepare(settings: RunSettings, opened: dict[str, Dataset] | None = None) -> Job:
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
    tasks = _tasks(settings, opened[key])
    for line in dict.fromkeys(map(_gaps_in_validation, tasks.values())):
        if line:
            logger.warning(line)
    shots, seeds = (list(dict.fromkeys(values)) for values in zip(*tasks, strict=True))
    own, data = replace(settings, seeds=seeds, shots=shots), _content(opened[key])
    # Made once: who edits a preset's file while a sweep is on edits the next one.
    return Job(own, opened[key], method, tasks, data, _tags(own, method, data))


def _tags(settings: RunSettings, method: Method, data: str) -> dict[str, str]:
    return {
        "method": settings.method,
        "components": components_label(settings),
        "dataset": settings.dataset,
        "preset": preset_identity(settings.preset),
        "protocol": protocol_identity(settings.protocol),
        "overrides": overrides_of(settings),
        FINGERPRINT: settings_fingerprint(settings),
        DATA: data,
        CHECKPOINT: checkpoint_content(settings) if generates(method) else "",
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
            f"{task.name}: no validation images: the classifier's best epoch is not known and its last one taken, and "
            "the guide classifier is neither stopped early nor calibrated"
        )
    missing = [name for label, name in enumerate(task.dataset.display_names) if label not in there]
    if not missing:
        return ""
    return (
        f"{task.name}: no validation image of {len(missing)} of the {len(task.classes)} classes: {', '.join(missing)}"
    )


def _tasks(settings: RunSettings, dataset: Dataset) -> dict[Cell, FewShotTask]:
    """The cells' tasks: those of the split files, or every seed with every number of shots."""
    if settings.split_files:
        tasks: dict[Cell, FewShotTask] = {}
        for name in settings.split_files:
            split = read_split(Path(name))
            if split.dataset != settings.dataset:
                raise UserError(
                    f"{name}: the split file is of {split.dataset}, the run of {settings.dataset}: --dataset says which"
                )
            cell = Cell(split.shots, split.seed)
            if cell in tasks:
                raise UserError(f"two split files of {counted(split.shots, 'shot')}, seed {split.seed}: give one")
            tasks[cell] = replay(split, dataset, name)
        return tasks
    cells = [Cell(shots, seed) for seed in settings.seeds for shots in settings.shots]
    return {cell: few_shot_task(settings.dataset, dataset, cell.shots, cell.seed) for cell in cells}


def run_job(job: Job, tracker: Tracker, stages: Stages) -> None:
    """Run every cell of a job, whatever is tracked already, up to one that fails; what the store holds is not made
    again.
    """
    models = Models(Store(), stages, job.settings.workers)
    _run_cells(job, job.cells, every_cell, tracker, models, None, nullcontext)


def every_cell(job: Job, _tracker: Tracker) -> list[Cell]:
    """The job's cells, whatever is tracked already."""
    return job.cells


def missing_cells(job: Job, tracker: Tracker) -> list[Cell]:
    """The job's cells that have no finished run with the same settings on the same images.

    Those that are being run, by another process then, come last.
    """
    identity = {name: value for name, value in job.tags.items() if name != "overrides" and value}
    known = {(record.status, (*record.cell, record.tags.get(SPLIT, ""))) for record in tracker.cells(identity)}
    missing = [cell for cell in job.cells if (FINISHED, (*cell, job.split(cell).digest)) not in known]
    return sorted(missing, key=lambda cell: (RUNNING, (*cell, job.split(cell).digest)) in known)


Look = Callable[[Job, Tracker], Sequence[Cell]]
"""Which cells of a job are to be run: `every_cell` or `missing_cells`."""


def run_sweep(
    work: Sequence[tuple[Job, Sequence[Cell]]], tracker: Tracker, stages: Stages, look: Look = missing_cells
) -> None:
    """Run some cells of several jobs under one tracked run.

    Args:
        look: asked again before each cell, which is left alone where it is no longer among them.

    Raises:
        CellsFailed: some failed, in ways that say nothing of the others; these were run.
        CannotKeep: a cell could not be kept, as no later one could be, so that these were not run.
    """
    models = Models(Store(), stages, work[0][0].settings.workers)
    failed = FailedCells(stages)
    with tracker.run("sweep", {LEVEL: SWEEP}) as sweep:
        for job, cells in work:
            if cells:
                with failed.tolerated(f"{method_label(job.tags)} on {job.settings.dataset}"):
                    _run_cells(job, cells, look, tracker, models, sweep, failed.tolerated)
        if failed.lines:
            raise CellsFailed(failed.lines)


def _run_cells(
    job: Job,
    cells: Sequence[Cell],
    look: Look,
    tracker: Tracker,
    models: Models,
    parent: TrackedRun | None,
    guard: Callable[[str], AbstractContextManager[Any]],
) -> None:
    """guard: within what it gives for a cell's title, the cell is run; it may swallow the cell's error."""
    warn_of_services(job.settings, job.method)
    tools = LocalTools(job.settings, models, job.tasks[job.cells[0]])
    shots, seeds = (",".join(map(str, dict.fromkeys(values))) for values in zip(*cells, strict=True))
    tags = {**job.tags, LEVEL: RUN, "seed": seeds, "shots": shots}
    with tracker.run(f"{job.settings.method} on {job.settings.dataset}", tags, parent) as run:
        run.log_parameters(flatten(job.settings))
        results = []
        tried = 0
        for cell in _in_turn(job, cells, look, tracker, models.stages):
            tried += 1
            with guard(_title(job, cell)):
                results.append(_run_cell(job, cell, tools, tracker, run))
        run.log_metrics(_means(results))
        if len(results) < tried:
            run.status = FAILED


def _in_turn(job: Job, cells: Sequence[Cell], look: Look, tracker: Tracker, stages: Stages) -> Iterator[Cell]:
    """The cells one by one, as long as they are to be run: another process may share the store and the grid."""
    left = list(cells)
    while left:
        to_run = [cell for cell in look(job, tracker) if cell in left]
        for cell in (cell for cell in left if cell not in to_run):
            stages.say(f"{_title(job, cell)}: finished meanwhile by another process")
        yield from to_run[:1]
        left = to_run[1:]


def _title(job: Job, cell: Cell) -> str:
    """`diagen [noise] on mini_focus, 4 shots, seed 0`."""
    shots, seed = cell
    return f"{method_label(job.tags)} on {job.settings.dataset}, {counted(shots, 'shot')}, seed {seed}"


def _run_cell(job: Job, cell: Cell, tools: LocalTools, tracker: Tracker, parent: TrackedRun) -> CellResult:
    shots, seed = cell
    tools.stages.say(f"{job.settings.method} on {job.settings.dataset}, {counted(shots, 'shot')}, seed {seed}")
    tools.stages.reset()
    tools.calibration = None
    task, split = job.tasks[cell], job.split(cell)
    components = ",".join(job.method.components)
    own = {LEVEL: CELL, SPLIT: split.digest, "seed": str(seed), "shots": str(shots), ALL_COMPONENTS: components}
    with tracker.run(
        f"{job.settings.method} {counted(shots, 'shot')}, seed {seed}", {**job.tags, **own}, parent
    ) as run:
        run.log_parameters({**flatten(job.settings), "seeds": [seed], "shots": [shots]})
        run.log_dataset(split.dataset, split.digest, job.dataset.source, _counts(split))
        run.log_text("split.json", to_text(split))
        tools.open_networks(job.method)  # first: weights that cannot be had are known before hours of generation
        synthetic = job.method.synthesize(task, tools)
        check_synthetic(job.settings.method, job.method, task, synthetic, tools.store)
        classifier = train_classifier(task, synthetic, job.method.synthetic_probability, tools)
        result = evaluate(task, synthetic, classifier, tools)
        result.metrics.update(_costs(tools.stages))
        served_as = _log_classifier(run, task, classifier, job.settings)
        _log(run, task, synthetic, result, served_as)
    tools.stages.say(f"    {_summary(result)}")
    if served_as:
        tools.stages.say(f"    classifier: {served_as}")
    return result


def _counts(split: Split) -> dict[str, int]:
    """Images of each part of the split."""
    return dict(Counter(image.split for image in split.images))


def _costs(stages: Stages) -> dict[str, float]:
    """Seconds of each stage in this process; what the store gave back cost nothing."""
    costs = {f"seconds/{name}": seconds for name, seconds in stages.seconds.items()}
    made = stages.counts.get("generation", 0)
    if made:
        costs["images_per_second"] = made / stages.seconds["generation"]
    return costs


def _log_classifier(run: TrackedRun, task: FewShotTask, classifier: Classifier, settings: RunSettings) -> str:
    """As an MLflow model, whose address is returned; empty where none is logged.

    One whose network drifted has no backbone that could be loaded by its name.
    """
    from benchmark.tracked_classifier import log_classifier
    from evaluation.saved_classifier import SavedClassifier

    chosen = settings.classifier
    if not settings.log_classifier or chosen.backbone_mode == "train":
        return ""
    names, head = task.dataset.display_names, classifier.head
    saved = SavedClassifier(names, chosen.backbone, chosen.image_size, head, chosen.dtype)
    with TemporaryDirectory() as folder:
        saved.save(Path(folder))
        name = f"{settings.method}-{settings.dataset}-{counted(task.shots, 'shot')}-seed-{task.seed}"
        return log_classifier(run, Path(folder), task.image(task.train[0]), name)


def _log(run: TrackedRun, task: FewShotTask, synthetic: SyntheticSet, result: CellResult, model: str) -> None:
    if synthetic.images:
        run.log_image("images.png", image_grid(task, synthetic))
        sheet, table = thumbnails(task, synthetic)
        run.log_image(SHEET, sheet)
        result.tables[TABLE] = table
    run.log_tables(result.tables)
    run.log_metrics(result.metrics, model)


def _summary(result: CellResult) -> str:
    shown = ("accuracy/val", "accuracy/test", "accuracy/uncommon", "precision/class_mean", "recall/class_mean")
    parts = [
        f"{name.removesuffix('/class_mean')} {result.metrics[name]:.3f}" for name in shown if name in result.metrics
    ]
    return ", ".join(part.removeprefix("accuracy/") for part in parts)


def _means(results: Sequence[CellResult]) -> dict[str, float]:
    """The parent's figures, for the eye: means over its cells. The leaderboard reads the cells."""
    names = {name for result in results for name in result.metrics}
    return {name: mean(r.metrics[name] for r in results if name in r.metrics) for name in sorted(names)}
