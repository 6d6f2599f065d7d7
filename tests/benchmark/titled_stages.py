"""Stages that remember the titles of their progress bars."""

from __future__ import annotations

from contextlib import AbstractContextManager

from benchmark.progress import Stages
from datasets.base import Advance


class TitledStages(Stages):
    """titles: each stage's name and unit, in the order in which the stages began."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.titles: list[str] = []

    def stage(self, name: str, total: int = 0, unit: str = "") -> AbstractContextManager[Advance]:
        self.titles.append(f"{name} ({unit})")
        return super().stage(name, total, unit)
