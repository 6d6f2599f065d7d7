"""Detects classes whose learning failed: no finite gradients for a while, or a loss that grew."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from evaluation.arrays import Mask

STEPS_IN_A_ROW = 10
"""Steps without a finite gradient after which a class has diverged. Single ones are normal in float16."""
GROWTH = 2.0
"""Ratio above which a class has diverged: mean finite loss in the last tenth of the steps over that in the first."""
FEWEST_SAMPLES = 32
"""Samples in a tenth of the steps below which its mean loss says too little: losses vary with the drawn times."""


class DivergenceWatch:
    """Follows the losses and gradients of classes that learn side by side, without waiting for a GPU."""

    def __init__(self, classes: int, steps: int, samples_per_step: int, device: torch.device) -> None:
        self._losses = torch.zeros(steps, classes, device=device)
        self._streak = torch.zeros(classes, dtype=torch.int64, device=device)
        self._longest = self._streak.clone()
        self._tenth = max(1, steps // 10)
        self._too_long = max(1, min(STEPS_IN_A_ROW, steps))
        self._enough = min(self._tenth, steps) * samples_per_step >= FEWEST_SAMPLES

    def record(self, step: int, losses: Tensor, gradient: Tensor) -> None:
        """Record a step's losses, (classes,), and the gradient of the words, (classes, width)."""
        self._losses[step] = losses
        finite = gradient.isfinite().all(dim=1) & losses.isfinite()
        self._streak = torch.where(finite, 0, self._streak + 1)
        self._longest = torch.maximum(self._longest, self._streak)

    def state_dict(self) -> dict[str, Tensor]:
        return {"losses": self._losses, "streak": self._streak, "longest": self._longest}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._losses, self._streak, self._longest = (
            state[name].to(self._losses.device, copy=True) for name in ("losses", "streak", "longest")
        )

    def all_broken(self) -> bool:
        """Whether every class has had too many steps in a row without a finite gradient. Waits for a GPU."""
        return bool((self._longest >= self._too_long).all())

    def diverged(self) -> Mask:
        """Which classes diverged, (classes,)."""
        finite = self._losses.nan_to_num(torch.nan, torch.nan, torch.nan)
        first, last = finite[: self._tenth].nanmean(dim=0), finite[-self._tenth :].nanmean(dim=0)
        broken = self._longest >= self._too_long
        grew = ((last > GROWTH * first) | last.isnan()) & self._enough
        return np.asarray((broken | grew).cpu().numpy())
