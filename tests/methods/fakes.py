"""A task with named examples and tools that return at once, for testing what methods do with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datasets.base import Example
from datasets.few_shot import FewShotTask
from evaluation.arrays import Doubles
from methods.base import SyntheticImage, SyntheticSet, Tools
from methods.plan import Plan, PlanRow, Vector


class FakeDataset:
    classes = ("car", "carrot")

    def load(self, example: Example) -> Image.Image:
        """An image of one colour, which depends on the label."""
        return Image.new("RGB", (8, 8), (100 * example.label, 50, 50))


def fake_task(shots: int, seed: int = 0, name: str = "fake") -> FewShotTask:
    dataset: Any = FakeDataset()
    train = tuple(Example(f"{noun}/{i}", label) for label, noun in enumerate(dataset.classes) for i in range(shots))
    return FewShotTask(name, dataset, shots, seed, train, (), {})


@dataclass
class FakeTools:
    """Records the requested services, the last plan and the kept images with guides; confidence rises from 0 to 1."""

    asked: list[str] = field(default_factory=list)
    plan: Plan | None = None
    kept: list[tuple[int, Image.Image]] = field(default_factory=list)

    def textual_inversion(self, task: FewShotTask) -> tuple[Vector, ...]:
        self.asked.append("words")
        return tuple(np.full(8, label, np.float32) for label in range(len(task.classes)))

    def prompts(self, task: FewShotTask, per_class: int) -> tuple[tuple[str, ...], ...]:
        self.asked.append("prompts")
        return tuple(tuple(f"{noun}: <word> in setting {i}" for i in range(per_class)) for noun in task.classes)

    def generate(self, task: FewShotTask, plan: Plan) -> SyntheticSet:
        self.asked.append("images")
        self.plan = plan
        return _images(plan.rows)

    def keep(self, task: FewShotTask, images: Iterable[tuple[int, Image.Image]]) -> SyntheticSet:
        self.asked.append("keep")
        self.kept = list(images)
        return _images([PlanRow(guide, task.train[guide].label, "", "", 0.0, 0.0, 0, 0) for guide, _ in self.kept])

    def confidence(self, task: FewShotTask, synthetic: SyntheticSet) -> Doubles:
        self.asked.append("confidence")
        return np.linspace(0, 1, len(synthetic.images))


def _images(rows: Iterable[PlanRow]) -> SyntheticSet:
    return SyntheticSet(tuple(SyntheticImage(row, Path(f"{i}.png")) for i, row in enumerate(rows)))


_: Tools = FakeTools()  # here mypy reports a missing service
