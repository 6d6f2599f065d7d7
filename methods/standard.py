"""Standard augmentation: crops, flips and rotations of the real images, which every method trains with."""

from __future__ import annotations

from datasets.few_shot import FewShotTask
from methods.base import METHODS, Method, SyntheticSet, Tools


@METHODS.register("standard")
class Standard(Method):
    """The baseline, without synthetic images."""

    title = "Standard augmentation"
    paper = "the baseline of DA-Fusion (ICLR 2024) and DIAGen (GCPR 2024)"
    services = ()

    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        return SyntheticSet()
