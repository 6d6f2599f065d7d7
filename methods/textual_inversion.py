"""Textual inversion (Gal et al. 2023) of all classes of a task together: one learned word a class.

Each class has its own draws (images, flips, templates, times, noise) from its own seed, and the loss is a sum over
classes, so that AdamW on the matrix of words is exactly one AdamW a class: a class learns what it would learn alone.

By some draws a class is learned, by others it never is, and the loss on its own images tells which: of several tries
the word is kept under which the checkpoint denoises them best.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from datasets.errors import UserError
from datasets.seeding import seed_from
from evaluation.memory import Shortage, attempt, halved
from methods.divergence import DivergenceWatch
from methods.generator import Generator
from methods.groups import even_groups
from methods.inversion_loss import InversionLoss, fastest_attention
from methods.inversion_samples import ClassSampler
from methods.latent_diffusion import LatentDiffusion
from methods.settings import TextualInversionSettings

CLASS_NOUN = "<noun>"
"""As `initial_word`: start each class from its own noun."""

_HALF_PRECISION_SCALE = 1024.0
"""Losses are multiplied by it where the UNet runs in float16, lest small gradients vanish."""

_SLOWER_TRIES = 2

_JUDGED_SAMPLES = 64
"""Of each class, on which its tries are compared: all tries on the same ones, so that differences are finer than the
losses."""

Progress = Callable[[int, int], None]
Matrix = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


def learn_words(
    generator: Generator,
    images: Sequence[Sequence[Image.Image]],
    settings: TextualInversionSettings,
    seeds: Sequence[int],
    on_progress: Progress | None = None,
    nouns: Sequence[str] | None = None,
) -> Matrix:
    """Learn one word for each class.

    Args:
        generator: the checkpoint to learn for.
        images: each class's RGB images.
        settings: steps, samples of each class in a step, learning rate, where words start and how often to try.
        seeds: one for each class; with the class's images it determines the class's word.
        on_progress: called with (steps done, steps in all, those of all tries) after each step.
        nouns: the classes' nouns, needed where words start from them (`initial_word` `<noun>`).

    Returns:
        The words, float32 (classes, word_dimension).

    Raises:
        UserError: an initial word that the tokenizer does not know, a checkpoint that predicts neither ε nor v, a
            class that diverges at a hundredth of the rate, or a GPU on which one class does not fit.
    """
    initial = _initial_words(generator, settings.initial_word, len(images), nouns)
    learners = [_Learner(generator, images, settings, seeds, number, initial) for number in range(settings.tries)]
    words, losses = zip(*(_learn_all(learner, on_progress, nouns) for learner in learners), strict=True)
    best = np.argmin(losses, axis=0)
    return np.stack(words)[best, range(len(images))]


def _learn_all(
    learner: _Learner, on_progress: Progress | None, nouns: Sequence[str] | None
) -> tuple[Matrix, list[float]]:
    """Words and losses of one try of every class, in groups that fit into memory."""
    steps, total = learner.settings.steps, len(learner.images)
    words: list[Matrix] = []
    losses: list[float] = []
    finished = 0
    while len(words) < total:
        labels, *others = even_groups(range(len(words), total), learner.most_together)
        in_one_try = finished + (1 + len(others)) * steps
        before = learner.number * in_one_try + finished
        report = _offset_progress(on_progress, before, learner.settings.tries * in_one_try)
        learned = learner.learn(labels, learner.settings.learning_rate, report)
        if isinstance(learned, Shortage):
            learner.take_less(len(labels), learned)
            continue
        for label, word, loss, diverged in zip(labels, learned.words, learned.losses, learned.diverged, strict=True):
            if diverged:
                word, loss = learner.learn_slower(label, nouns[label] if nouns else f"number {label}")
            words.append(word)
            losses.append(float(loss))
        finished += steps
    return np.stack(words), losses


@dataclass(frozen=True)
class _Learned:
    """Words (classes, word_dimension), the loss under each on the samples that tries are compared on, infinite where it
    is no number (0 where there is but one try), and which diverged."""

    words: Matrix
    losses: npt.NDArray[np.float64]
    diverged: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Learner:
    """Learns words of any of the classes, the same ones however often it is asked.

    number: of the try; the first one draws from the classes' seeds as they are.
    """

    generator: Generator
    images: Sequence[Sequence[Image.Image]]
    settings: TextualInversionSettings
    seeds: Sequence[int]
    number: int
    initial: Matrix

    @property
    def most_together(self) -> int:
        """Classes that are learned together at most: as is set, or as is known to fit into memory."""
        most, known = self.settings.classes_per_batch, self.generator.most_samples
        return max(1, most if known is None else min(most, known // self.settings.batch_size))

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

    def learn(self, labels: Sequence[int], rate: float, report: Callable[[int], None]) -> _Learned | Shortage:
        """The words of some classes, learned together, or that they do not fit into memory."""
        model, resolution = self.generator.model, self.generator.settings.resolution

        def work() -> _Learned:
            samplers = [ClassSampler(model, self.images[label], resolution, self._seed(label)) for label in labels]
            settings = replace(self.settings, learning_rate=rate)
            words, diverged = _learn_group(model, samplers, self.initial[list(labels)], settings, report)
            losses = np.zeros(len(labels))
            if settings.tries > 1:
                seeds = [seed_from("comparison of tries", self.seeds[label]) for label in labels]
                losses = _losses_under(words, model, samplers, settings.batch_size, seeds)
            return _Learned(words, losses, diverged)

        return attempt(work)

    def learn_slower(self, label: int, name: str) -> tuple[Matrix, float]:
        """Word and loss of a class that diverged, alone, at a tenth of the rate and again at a tenth of that."""
        rate = self.settings.learning_rate
        for _ in range(_SLOWER_TRIES):
            rate /= 10
            logger.warning("the word of class %s diverged: learning it again alone, at learning rate %g", name, rate)
            learned = self._learn_alone(label, rate)
            if not learned.diverged[0]:
                return learned.words[0], float(learned.losses[0])
        raise UserError(
            f"the word of class {name} diverges even at learning rate {rate:g}: look at its images, "
            "or set generator.dtype=float32 or another textual_inversion.learning_rate"
        )

    def _seed(self, label: int) -> int:
        return self.seeds[label] if self.number == 0 else seed_from("further try", self.seeds[label], self.number)

    def _learn_alone(self, label: int, rate: float) -> _Learned:
        while isinstance(learned := self.learn([label], rate, lambda step: None), Shortage):
            self.take_less(1, learned)
        return learned


def _initial_words(generator: Generator, word: str, classes: int, nouns: Sequence[str] | None) -> Matrix:
    if word != CLASS_NOUN:
        return np.stack([generator.noun_embedding(word)] * classes)
    if nouns is None:
        raise ValueError("words can start from the nouns only where the nouns are given")
    return np.stack([generator.noun_embedding(noun) for noun in nouns])


def _offset_progress(report: Progress | None, offset: int, total: int) -> Callable[[int], None]:
    return lambda step: None if report is None else report(offset + step, total)


def _learn_group(
    model: LatentDiffusion,
    samplers: Sequence[ClassSampler],
    initial: Matrix,
    settings: TextualInversionSettings,
    report: Callable[[int], None],
) -> tuple[Matrix, npt.NDArray[np.bool_]]:
    """The words of classes that share their steps, and which of them diverged."""
    words = torch.tensor(initial, device=model.device, requires_grad=True)
    optimizer = torch.optim.AdamW([words], lr=settings.learning_rate, weight_decay=settings.weight_decay)
    loss = InversionLoss(model)
    scale = _HALF_PRECISION_SCALE if model.dtype == torch.float16 else 1.0
    watch = DivergenceWatch(len(samplers), settings.steps, settings.batch_size, model.device)
    for step in range(settings.steps):
        draws = [sampler.draw(settings.batch_size, loss.times) for sampler in samplers]
        with fastest_attention(model):
            losses = loss(draws, words)
            (gradient,) = torch.autograd.grad(losses.sum() * scale, words)
        watch.record(step, losses.detach(), gradient)
        words.grad = torch.nan_to_num(gradient / scale, nan=0.0, posinf=0.0, neginf=0.0)
        optimizer.step()
        report(step + 1)
    return words.detach().cpu().numpy(), watch.diverged()


@torch.no_grad()
def _losses_under(
    words: Matrix, model: LatentDiffusion, samplers: Sequence[ClassSampler], batch: int, seeds: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Each class's loss, (classes,), on the samples that its seed gives, in batches of the size that words learn in."""
    loss, under = InversionLoss(model), torch.tensor(words, device=model.device)
    count = -(-_JUDGED_SAMPLES // batch) * batch
    draws = [
        sampler.judging_draws(batch, loss.times, count, seed) for sampler, seed in zip(samplers, seeds, strict=True)
    ]
    losses = torch.stack([loss(of_classes, under) for of_classes in zip(*draws, strict=True)]).mean(dim=0)
    return np.nan_to_num(losses.double().cpu().numpy(), nan=np.inf)
