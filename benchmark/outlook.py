"""What a grid of runs amounts to before it is run: counts of cells, words and images, and the time they will take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.checks import generates, weighs_images
from benchmark.job import Job
from benchmark.rates import Rates
from benchmark.records import Cell, Record, method_label
from benchmark.short_labels import shared_note, short_labels
from benchmark.tracking import FINGERPRINT
from datasets.few_shot import FewShotTask

Work = Sequence[tuple[Job, Sequence[Cell]]]

_UNKNOWN = "unknown"
_BY_RATES = (
    "To estimate hours from measured speeds, add --rates benchmarks_perf/h100.json (preset paper on one H100), or "
    "--rates FILE after `python -m benchmarks_perf --save FILE` on your own machine."
)


def outlook(work: Work, finished: Sequence[Record]) -> str:
    """A table of cells, words and images per job, with an estimated time where finished cells allow one."""
    labels = [method_label(job.tags) for job, _ in work]
    names = short_labels(labels)
    width = max([16, *(len(name) + 2 for name in names.values())])
    lines = [f"{'method':<{width}}{'dataset':<16}{'cells':>6}{'words':>8}{'images':>9}  time"]
    times = [_time(job, cells, finished) for job, cells in work]
    for label, amount, time, (job, cells) in zip(labels, _amounts(work), times, work, strict=True):
        counts = f"{len(cells):>6}{amount.words:>8}{amount.images:>9}"
        lines.append(f"{names[label]:<{width}}{job.settings.dataset:<16}{counts}  {time}")
    at_most = "These are upper limits: what is in the store is not made again, and methods share learned words."
    by_rates = [_BY_RATES] if any(time.startswith(_UNKNOWN) for time in times) else []
    return "\n".join([*lines, *shared_note(labels), at_most, *by_rates])


def outlook_by_rates(work: Work, rates: Rates) -> str:
    """A table of the hours that each part of the work takes, computed from rates measured on some machine."""
    total = sum(_amounts(work), _Amount())
    parts = {
        "textual inversion": (total.words, "words", total.inversion_steps / 1000 * rates.word),
        "generation": (total.images, "images", total.image_work * rates.image),
        "classifiers": (total.heads, "heads", total.heads * rates.head + total.views * rates.view),
        "features": (total.embedded, "images", total.embedded * rates.feature),
    }
    hours = "GPU-hours" if rates.on_gpu else "hours"
    lines = [f"{'part':<20}{'count':>12}         {hours}"]
    lines += [f"{name:<20}{count:>12,} {what:<7}{_hours(spent):>9}" for name, (count, what, spent) in parts.items()]
    lines.append(f"{'total':<40}{_hours(sum(spent for _, _, spent in parts.values())):>9}")
    source = f"Computed, not measured: the counts of this grid times the rates in {rates.source} ({rates.device})."
    return "\n".join(
        [
            *lines,
            source,
            "These are upper limits: what is in the store is not made again. Loading models is not included.",
        ]
    )


@dataclass(frozen=True)
class _Amount:
    """The amount of work in one or several jobs.

    inversion_steps: steps of textual inversion over all words, in units of 4 samples.
    image_work: number of images, each weighted by its work relative to an image of 35 guided denoising steps.
    heads: number of classifiers to train, including those that weight synthetic images.
    views: number of views embedded for classifiers; embedded: number of images embedded for precision and recall.
    """

    cells: int = 0
    words: int = 0
    inversion_steps: float = 0.0
    images: int = 0
    image_work: float = 0.0
    heads: int = 0
    views: int = 0
    embedded: int = 0

    def __add__(self, other: _Amount) -> _Amount:
        return _Amount(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def _amounts(work: Work) -> Iterator[_Amount]:
    """The amount of each job, from the services that its method declares. Words, validation and test images that jobs
    share are counted for the first of them.
    """
    learned, viewed, measured = set[tuple[str, Cell]](), set[tuple[str, int]](), set[tuple[str, int]]()
    for job, cells in work:
        settings, services, tasks = job.settings, job.method.services, [job.tasks[cell] for cell in cells]
        new = {(settings.dataset, cell) for cell in cells if "textual_inversion" in services} - learned
        learned |= new
        first = _first_of_seeds(tasks, viewed)
        validated = sum(len(task.validation) for task in first)
        real = sum(len(task.train) for task in tasks)
        words, images = len(new) * len(job.dataset.classes), real * getattr(job.method, "images_per_example", 0)
        inversion, classifier, guide = settings.textual_inversion, settings.classifier, settings.guide_classifier
        weighted = weighs_images(settings, job.method)
        views = real * classifier.views_per_image + images * classifier.views_per_synthetic
        views += _tested(first) + validated
        if weighted:
            views += real * guide.views_per_image + images * guide.confidence_views
        yield _Amount(
            cells=len(cells),
            words=words,
            inversion_steps=words * inversion.tries * inversion.steps * inversion.batch_size / 4,
            images=images,
            image_work=images * _work_of_an_image(job),
            heads=len(cells) * (2 if weighted else 1),
            views=views,
            embedded=(images + _tested(_first_of_seeds(tasks, measured))) if "features" in services else 0,
        )


def _first_of_seeds(tasks: Sequence[FewShotTask], seen: set[tuple[str, int]]) -> list[FewShotTask]:
    """One task per new seed, since all shots share its test images; adds these seeds to `seen`."""
    first = {(task.name, task.seed): task for task in tasks if (task.name, task.seed) not in seen}
    seen.update(first)
    return list(first.values())


def _tested(tasks: Sequence[FewShotTask]) -> int:
    return sum(len(test) for task in tasks for test in task.tests.values())


def _work_of_an_image(job: Job) -> float:
    """The work of one image relative to one with 35 guided steps; 0 if no generator makes it.

    Counted in operations of Stable Diffusion 1.4 at 512 pixels: 0.80 TFLOP per evaluation of the UNet, 1.12 for
    encoding and 2.51 for decoding.
    """
    if not generates(job.method):
        return 0.0
    strength, steps = getattr(job.method, "strength", 0.0), getattr(job.method, "steps", 0)
    guided = getattr(job.method, "guidance_scale", 1.0) > 1
    evaluations = int(steps * strength) * (2 if guided else 1)
    return float((0.80 * evaluations + 3.63) / (0.80 * 70 + 3.63))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2f}"


def _time(job: Job, cells: Sequence[Cell], finished: Sequence[Record]) -> str:
    """The time of the slowest finished cell with the same settings and shots; faster ones reused stored results."""
    same = {name: job.tags[name] for name in ("method", "components", "dataset", "preset", "protocol", FINGERPRINT)}
    longest: dict[int, float] = {}
    for cell in finished:
        if same.items() <= cell.tags.items():
            longest[cell.shots] = max(longest.get(cell.shots, 0.0), cell.seconds or 0.0)
    unknown = sorted({shots for shots, _ in cells} - set(longest))
    if unknown:
        shots = ", ".join(map(str, unknown))
        return f"{_UNKNOWN}: no finished cell with these settings at k = {shots} to estimate from"
    return f"about {sum(longest[shots] for shots, _ in cells) / 60:.0f} min"
