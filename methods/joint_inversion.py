"""Textual inversion of classes in joint steps: one AdamW on the matrix of their words."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from evaluation.arrays import Mask, Singles
from methods.divergence import DivergenceWatch
from methods.inversion_loss import InversionLoss
from methods.inversion_samples import ClassSampler
from methods.settings import TextualInversionSettings

_HALF_PRECISION_SCALE = 1024.0
"""Loss scale for a UNet in float16, so that small gradients do not underflow."""

Matrix = Singles


@dataclass(frozen=True)
class Learned:
    """The learned words, (classes, word_dimension), and which of them diverged, (classes,)."""

    words: Matrix
    diverged: Mask


class JointInversion:
    """Learns the words of several classes, step by step.

    steps_done: steps taken so far, out of the settings' `steps`.
    """

    def __init__(
        self,
        loss: InversionLoss,
        samplers: Sequence[ClassSampler],
        initial: Matrix,
        settings: TextualInversionSettings,
    ) -> None:
        """initial: where the words start, (classes, word_dimension)."""
        model = loss.model
        self.steps_done = 0
        self._loss, self._samplers, self._batch_size = loss, samplers, settings.batch_size
        self._words = torch.tensor(initial, device=model.device, requires_grad=True)
        self._optimizer = torch.optim.AdamW(
            [self._words], lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._scale = _HALF_PRECISION_SCALE if model.dtype == torch.float16 else 1.0
        self._watch = DivergenceWatch(len(samplers), settings.steps, settings.batch_size, model.device)

    def step(self) -> None:
        """Take one step for all classes, without waiting for a GPU."""
        draws = [sampler.draw(self._batch_size, self._loss.times) for sampler in self._samplers]
        losses = self._loss(draws, self._words)
        (gradient,) = torch.autograd.grad(losses.sum() * self._scale, self._words)
        self._watch.record(self.steps_done, losses.detach(), gradient)
        self._words.grad = torch.nan_to_num(gradient / self._scale, nan=0.0, posinf=0.0, neginf=0.0)
        self._optimizer.step()
        self.steps_done += 1

    def is_hopeless(self) -> bool:
        """Whether every class has diverged for good, so that further steps are pointless. Waits for a GPU."""
        return self._watch.all_broken()

    def learned(self) -> Learned:
        return Learned(self._words.detach().cpu().numpy(), self._watch.diverged())

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that an instance with the same classes and settings needs to go on from here, bit for bit."""
        state = {
            "steps_done": self.steps_done,
            "words": self._words.detach(),
            "optimizer": self._optimizer.state_dict(),
            "watch": self._watch.state_dict(),
            "draws": [sampler.generator.get_state() for sampler in self._samplers],
        }
        return deepcopy(state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps_done"]
        with torch.no_grad():
            self._words.copy_(state["words"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._watch.load_state_dict(state["watch"])
        for sampler, draws in zip(self._samplers, state["draws"], strict=True):
            sampler.generator.set_state(draws)
