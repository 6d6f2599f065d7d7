"""Runs one cell: generates, trains, evaluates, and logs the results."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.evaluate import CellResult, evaluate
from benchmark.image_grid import image_grid
from benchmark.job import Job
from benchmark.progress import Stages
from benchmark.records import ALL_COMPONENTS, SPLIT_FILE, Cell, cell_title
from benchmark.settings import RunSettings, flatten
from benchmark.synthetic_checks import check_synthetic
from benchmark.thumbnails import SHEET, TABLE, thumbnails
from benchmark.tools import LocalTools
from benchmark.tracking import CELL, LEVEL, SPLIT, TrackedRun, Tracker
from benchmark.train import Classifier, train_classifier
from datasets.few_shot import FewShotTask
from datasets.plurals import counted
from datasets.split_file import Split, to_text
from methods.base import SyntheticSet


def run_cell(job: Job, cell: Cell, tools: LocalTools, tracker: Tracker, parent: TrackedRun) -> CellResult:
    """Run a cell and return its figures and tables, which by then are tracked under `parent`.

    Raises:
        UserError: an error of a method, classifier or metric that stops the cell; its run is then marked as failed.
    """
    shots, seed = cell
    tools.stages.say(cell_title(job.tags, cell))
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
        run.log_text(SPLIT_FILE, to_text(split))
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
    """Number of images in each part of the split."""
    return dict(Counter(image.split for image in split.images))


def _costs(stages: Stages) -> dict[str, float]:
    """Seconds of each stage in this process; results taken from the store cost nothing."""
    costs = {f"seconds/{name}": seconds for name, seconds in stages.seconds.items()}
    made = stages.counts.get("generation", 0)
    if made:
        costs["images_per_second"] = made / stages.seconds["generation"]
    return costs


def _log_classifier(run: TrackedRun, task: FewShotTask, classifier: Classifier, settings: RunSettings) -> str:
    """Log the classifier as an MLflow model and return its address, or an empty text if none is logged.

    A classifier whose network drifted is not logged: its backbone could not be loaded by name.
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
