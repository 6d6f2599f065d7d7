"""Tasks, plans and tools of the coloured squares (fixture `world`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmark.progress import Stages
from benchmark.settings import RunSettings
from benchmark.store import Store
from benchmark.tools import LocalTools, Models
from datasets.base import DATASETS
from datasets.few_shot import FewShotTask, few_shot_task
from methods.plan import Plan, PlanRow

Settings = Callable[..., RunSettings]


def task(shots: int = 2, seed: int = 0) -> FewShotTask:
    return few_shot_task("squares", DATASETS["squares"](), shots, seed)


def fresh_tools(settings: RunSettings, first_task: FewShotTask | None = None) -> LocalTools:
    """Tools as a new process would have them: only the store is shared."""
    return LocalTools(settings, Models(Store(), Stages(quiet=True), workers=0), first_task or task())


def plan(rows: int = 6) -> Plan:
    """A plan that takes the first three of the task's six photos in turn as guides."""
    words = {"w": np.ones(4, dtype=np.float32), "v": np.zeros(4, dtype=np.float32)}
    row = PlanRow(0, 0, "a photo of a <word>", "w", 0.5, 7.5, 50, seed=0)
    return Plan(tuple(replace(row, seed=i, guide=i % 3, label=(i % 3) // 2) for i in range(rows)), words)
