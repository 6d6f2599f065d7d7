"""A task of named examples and tools that answer at once, for tests of what methods do with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Example
from datasets.few_shot import FewShotTask
from methods.base import SyntheticImage, SyntheticSet
from methods.plan import Plan


class FakeDataset:
    classes = ("car", "carrot")


def fake_task(shots: int, seed: int = 0, name: str = "fake") -> FewShotTask:
    dataset: Any = FakeDataset()
    train = tuple(Example(f"{noun}/{i}", label) for label, noun in enumerate(dataset.classes) for i in range(shots))
    return FewShotTask(name, dataset, shots, seed, train, (), {})


@dataclass
class FakeTools:
    """Remembers which services were asked for; confidence rises from 0 to 1 over the images."""

    asked: list[str] = field(default_factory=list)
    plan: Plan | None = None

    def textual_inversion(self, task: FewShotTask) -> tuple[np.ndarray, ...]:
        self.asked.append("words")
        return tuple(np.full(8, label, np.float32) for label in range(len(task.classes)))

    def prompts(self, task: FewShotTask, per_class: int) -> tuple[tuple[str, ...], ...]:
        self.asked.append("prompts")
        return tuple(tuple(f"{noun}: <word> in setting {i}" for i in range(per_class)) for noun in task.classes)

    def generate(self, task: FewShotTask, plan: Plan) -> SyntheticSet:
        self.asked.append("images")
        self.plan = plan
        return SyntheticSet(tuple(SyntheticImage(row, Path(f"{i}.png")) for i, row in enumerate(plan.rows)))

    def confidence(self, task: FewShotTask, synthetic: SyntheticSet) -> np.ndarray:
        self.asked.append("confidence")
        return np.linspace(0, 1, len(synthetic.images))
