"""Fetching in advance what runs need from the network, for compute nodes that have no network access."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from benchmark.checks import check_access, generates, writes_prompts
from benchmark.job import Job, open_job
from benchmark.progress import Stages
from benchmark.settings import RunSettings
from benchmark.store import Store
from benchmark.tools import LocalTools, Models
from datasets.base import Dataset
from datasets.few_shot import FewShotTask
from methods.base import Method
from methods.prompts.sources import PROMPT_SOURCES


def fetch_grid(grid: Sequence[RunSettings], stages: Stages) -> None:
    """Check every run of the grid, then fetch its networks and its tasks' prompts to where runs look for them.

    Raises:
        UserError: a run fails its checks, weights cannot be obtained, or a language model writes no prompts.
    """
    opened: dict[str, Dataset] = {}
    jobs = [open_job(settings, opened) for settings in grid]
    for job in jobs:
        check_access(job.settings, job.method)
    models, said = Models(Store(), stages, grid[0].workers), set[str]()
    for line in chain.from_iterable(_fetched(job, models) for job in jobs):
        if line not in said:
            stages.say(line)
            said.add(line)


def _fetched(job: Job, models: Models) -> Iterator[str]:
    """Fetch what a job needs, yielding a line for each item once it is there."""
    settings, method, tools = job.settings, job.method, LocalTools(job.settings, models, job.first_task)
    tools.open_networks(method)
    yield f"classifier: {settings.classifier.backbone}"
    if "features" in method.services:
        yield f"features: {settings.features.name}"
    yield from fetched_to_generate(method, tools, job.tasks.values())


def fetched_to_generate(method: Method, tools: LocalTools, tasks: Iterable[FewShotTask]) -> Iterator[str]:
    """Fetch the checkpoint and the tasks' prompts, yielding a line for each of them once it is there."""
    settings = tools.settings
    if generates(method):
        yield f"generator: {settings.generator.checkpoint}, in {tools.generator.folder}"
    prompts_per_class = getattr(method, "prompts_per_class", 0)
    if writes_prompts(settings, method) and PROMPT_SOURCES[settings.prompts.source].kept:
        for task in tasks:
            tools.prompts(task, prompts_per_class)
        yield f"prompts: from {settings.prompts.source}, {settings.prompts.model}, in {tools.store.folder}"
