"""What a run needs from the network, had beforehand: for machines that compute and have none."""

from __future__ import annotations

from benchmark.progress import Stages
from benchmark.runner import Job
from benchmark.store import Store
from benchmark.tools import LocalTools, Models


def fetch(job: Job, stages: Stages) -> None:
    """Get the networks of a job and the prompts of its tasks, each to where runs look for it.

    Raises:
        UserError: weights that cannot be had, or a language model that does not write.
    """
    settings, method = job.settings, job.method
    tools = LocalTools(settings, Models(Store(), stages, settings.workers))
    tools.open_networks(method)
    stages.say(f"classifier: {settings.classifier.backbone}")
    if method.synthetic_probability == 0:
        return
    stages.say(f"features: {settings.features.name}")
    stages.say(f"generator: {settings.generator.checkpoint}, in {tools.generator.folder}")
    prompts_per_class = getattr(method, "prompts_per_class", 0)
    if prompts_per_class and "prompts" in settings.components and settings.prompts.source == "openai":
        for task in job.tasks.values():
            tools.prompts(task, prompts_per_class)
        stages.say(f"prompts: of {settings.prompts.model}, in {tools.store.folder}")
