"""One try at the words of all classes: AdamW on one matrix of words, in groups of classes that fit into memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from datasets.seeding import seed_from
from evaluation.memory import Shortage, attempt, halved
from methods.divergence import DivergenceWatch
from methods.generator import Generator
from methods.groups import even_groups
from methods.inversion_loss import InversionLoss
from methods.inversion_samples import ClassSampler
from methods.latent_diffusion import Posterior
from methods.settings import TextualInversionSettings
from methods.tries import Progress

SLOWER_RATES = 2
"""Rates, each a tenth of the one before, at which a class that diverged is learned again."""

_HALF_PRECISION_SCALE = 1024.0
"""Losses are multiplied by it where the UNet runs in float16, lest small gradients vanish."""

Matrix = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """Words, (classes, word_dimension), and which of them diverged, (classes,)."""

    words: Matrix
    diverged: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class InversionLearner:
    """Learns words of any of the classes, the same ones however often it is asked.

    views: each class's.
    names: the classes', for warnings.
    seeds: the classes' in this try.
    initial: where the words start, (classes, word_dimension).
    """

    generator: Generator
    loss: InversionLoss
    views: Sequence[Posterior]
    names: Sequence[str]
    settings: TextualInversionSettings
    seeds: Sequence[int]
    initial: Matrix

    def of_try(self, number: int) -> InversionLearner:
        """One that draws otherwise; the first try, 0, draws from the classes' seeds as they are."""
        if number == 0:
            return self
        return replace(self, seeds=[seed_from("further try", seed, number) for seed in self.seeds])

    @property
    def most_together(self) -> int:
        """Classes that are learned together at most: as is set, or as is known to fit into memory."""
        most, known = self.settings.classes_per_batch, self.generator.most_samples
        return max(1, most if known is None else min(most, known // self.settings.batch_size))

    def learn_all(self, on_progress: Progress) -> Learned:
        """Every class, in groups that fit into memory, and again more slowly where it diverged.

        Steps are reported as many times as classes take them: so there are as many, however they are grouped.

        Raises:
            UserError: a GPU on which one class does not fit.
        """
        steps, total = self.settings.steps, len(self.views)
        groups: list[Learned] = []
        while (known := sum(len(group.words) for group in groups)) < total:
            labels = even_groups(range(known, total), self.most_together)[0]
            report = _progress_of(len(labels), known * steps, total * steps, on_progress)
            learned = self._learn(labels, self.settings.learning_rate, report)
            if isinstance(learned, Shortage):
                self.take_less(len(labels), learned)
                continue
            for row in np.flatnonzero(learned.diverged).tolist():
                again = self._learn_slower(labels[row], partial(report, steps))
                learned.words[row], learned.diverged[row] = again.words[0], again.diverged[0]
            groups.append(learned)
        return Learned(*(np.concatenate(parts) for parts in zip(*((g.words, g.diverged) for g in groups), strict=True)))

    def _learn(self, labels: Sequence[int], rate: float, report: Callable[[int], None]) -> Learned | Shortage:
        """The words of some classes, learned together, or that they do not fit into memory."""

        def work() -> Learned:
            scaling = self.generator.model.scaling
            samplers = [ClassSampler(self.views[label], scaling, self.seeds[label]) for label in labels]
            settings = replace(self.settings, learning_rate=rate)
            return _learn_together(self.loss, samplers, self.initial[list(labels)], settings, report)

        return attempt(work)

    def take_less(self, classes: int, shortage: Shortage) -> None:
        """See to it that the next try takes less memory than so many classes did, in calls to come as well.

        One class is first tried with checkpointing; raises `UserError` where it does not fit so either.
        """
        unet = self.generator.model.unet
        if classes == 1 and not unet.is_gradient_checkpointing:
            logger.warning("one class does not fit into memory: computing activations twice (gradient checkpointing)")
            unet.enable_gradient_checkpointing()
            return
        setting = "textual_inversion.classes_per_batch"
        fewer = halved(classes, shortage, "classes", "generator.resolution", setting)
        self.generator.most_samples = fewer * self.settings.batch_size

    def _learn_slower(self, label: int, report: Callable[[], None]) -> Learned:
        """A class that diverged, alone, at a tenth of the rate and again at a tenth of that; reports that it lives."""
        rate, name = self.settings.learning_rate, self.names[label]
        for slower in range(1, SLOWER_RATES + 1):
            slow = rate / 10**slower
            logger.warning("the word of class %s diverged: learning it again alone, at learning rate %g", name, slow)
            learned = self._learn_alone(label, slow, report)
            if not learned.diverged[0]:
                break
        return learned

    def _learn_alone(self, label: int, rate: float, report: Callable[[], None]) -> Learned:
        while isinstance(learned := self._learn([label], rate, lambda _step: report()), Shortage):
            self.take_less(1, learned)
        return learned


def _progress_of(classes: int, before: int, total: int, report: Progress) -> Callable[[int], None]:
    return lambda step: report(before + classes * step, total)


def _learn_together(
    loss: InversionLoss,
    samplers: Sequence[ClassSampler],
    initial: Matrix,
    settings: TextualInversionSettings,
    report: Callable[[int], None],
) -> Learned:
    """The words of classes that share their steps."""
    model = loss.model
    words = torch.tensor(initial, device=model.device, requires_grad=True)
    optimizer = torch.optim.AdamW([words], lr=settings.learning_rate, weight_decay=settings.weight_decay)
    scale = _HALF_PRECISION_SCALE if model.dtype == torch.float16 else 1.0
    watch = DivergenceWatch(len(samplers), settings.steps, settings.batch_size, model.device)
    for step in range(settings.steps):
        draws = [sampler.draw(settings.batch_size, loss.times) for sampler in samplers]
        losses = loss(draws, words)
        (gradient,) = torch.autograd.grad(losses.sum() * scale, words)
        watch.record(step, losses.detach(), gradient)
        words.grad = torch.nan_to_num(gradient / scale, nan=0.0, posinf=0.0, neginf=0.0)
        optimizer.step()
        report(step + 1)
    return Learned(words.detach().cpu().numpy(), watch.diverged())
