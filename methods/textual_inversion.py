"""Textual inversion (Gal et al. 2023) of all classes of a task together: one learned word a class.

Each class has its own draws (images, flips, templates, times, noise) from its own seed, and the loss is a sum over
classes, so that AdamW on the matrix of words is exactly one AdamW a class: a class learns what it would learn alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from datasets.errors import UserError
from evaluation.device import sent
from evaluation.memory import Shortage, attempt, halved
from methods.divergence import DivergenceWatch
from methods.generator import Generator
from methods.groups import even_groups
from methods.inversion_samples import TEMPLATES, ClassSampler, Draws
from methods.latent_diffusion import LatentDiffusion
from methods.plan import PLACEHOLDER
from methods.settings import TextualInversionSettings

CLASS_NOUN = "<noun>"
"""As `initial_word`: start each class from its own noun."""

_HALF_PRECISION_SCALE = 1024.0
"""Losses are multiplied by it where the UNet runs in float16, lest small gradients vanish."""

_SLOWER_TRIES = 2

_FEW_POSITIONS = 16
"""Sides of latents up to which plain attention is preferred on a CPU; it keeps a matrix of all pairs of positions."""

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
        settings: steps, samples of each class in a step, learning rate and where words start.
        seeds: one for each class; with the class's images it determines the class's word.
        on_progress: called with (steps done, steps in all) after each step.
        nouns: the classes' nouns, needed where words start from them (`initial_word` `<noun>`).

    Returns:
        The words, float32 (classes, word_dimension).

    Raises:
        UserError: an initial word that the tokenizer does not know, a checkpoint that predicts neither ε nor v, a
            class that diverges at a hundredth of the rate, or a GPU on which one class does not fit.
    """
    initial = _initial_words(generator, settings.initial_word, len(images), nouns)
    learner = _Learner(generator, images, settings, seeds, initial)
    words: list[Matrix] = []
    finished = 0
    while len(words) < len(images):
        labels, *others = even_groups(range(len(words), len(images)), learner.most_together)
        report = _offset_progress(on_progress, finished, finished + (1 + len(others)) * settings.steps)
        learned = learner.learn(labels, settings.learning_rate, report)
        if isinstance(learned, Shortage):
            learner.take_less(len(labels), learned)
            continue
        for label, word, diverged in zip(labels, learned.words, learned.diverged, strict=True):
            name = nouns[label] if nouns else f"number {label}"
            words.append(learner.learn_slower(label, name) if diverged else word)
        finished += settings.steps
    return np.stack(words)


@dataclass(frozen=True)
class _Learned:
    words: Matrix
    diverged: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Learner:
    """Learns words of any of the classes, the same ones however often it is asked."""

    generator: Generator
    images: Sequence[Sequence[Image.Image]]
    settings: TextualInversionSettings
    seeds: Sequence[int]
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
            samplers = [ClassSampler(model, self.images[label], resolution, self.seeds[label]) for label in labels]
            settings = replace(self.settings, learning_rate=rate)
            return _learn_group(model, samplers, self.initial[list(labels)], settings, report)

        return attempt(work)

    def learn_slower(self, label: int, name: str) -> Matrix:
        """The word of a class that diverged, alone, at a tenth of the rate and again at a tenth of that."""
        rate = self.settings.learning_rate
        for _ in range(_SLOWER_TRIES):
            rate /= 10
            logger.warning("the word of class %s diverged: learning it again alone, at learning rate %g", name, rate)
            learned = self._learn_alone(label, rate)
            if not learned.diverged[0]:
                word: Matrix = learned.words[0]
                return word
        raise UserError(
            f"the word of class {name} diverges even at learning rate {rate:g}: look at its images, "
            "or set generator.dtype=float32 or another textual_inversion.learning_rate"
        )

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
) -> _Learned:
    """Learn the words of classes that share their steps."""
    words = torch.tensor(initial, device=model.device, requires_grad=True)
    optimizer = torch.optim.AdamW([words], lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = _noise_schedule(model.scheduler)
    tokens = model.encoder.tokenize([template.format(PLACEHOLDER) for template in TEMPLATES])
    scale = _HALF_PRECISION_SCALE if model.dtype == torch.float16 else 1.0
    watch = DivergenceWatch(len(samplers), settings.steps, settings.batch_size, model.device)
    for step in range(settings.steps):
        draws = [sampler.draw(settings.batch_size, schedule.config.num_train_timesteps) for sampler in samplers]
        rows = words.repeat_interleave(settings.batch_size, dim=0)
        with _attention(model):
            losses = _losses(model, schedule, draws, tokens, rows)
            (gradient,) = torch.autograd.grad(losses.sum() * scale, words)
        watch.record(step, losses.detach(), gradient)
        words.grad = torch.nan_to_num(gradient / scale, nan=0.0, posinf=0.0, neginf=0.0)
        optimizer.step()
        report(step + 1)
    return _Learned(words.detach().cpu().numpy(), watch.diverged())


def _attention(model: LatentDiffusion) -> AbstractContextManager[None]:
    """On a CPU the fused attention is slow backwards; where positions are few, plain products are faster."""
    if model.device.type == "cpu" and model.unet.config.sample_size <= _FEW_POSITIONS:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()


def _losses(model: LatentDiffusion, schedule: Any, draws: Sequence[Draws], tokens: Tensor, words: Tensor) -> Tensor:
    """Each class's mean squared error over its samples, (classes,): float32 but for the UNet's own arithmetic."""
    latents = torch.cat([draw.latents for draw in draws])
    noise = torch.cat([draw.noise for draw in draws])
    times = sent(torch.cat([draw.times for draw in draws]), model.device)
    context = model.encoder.encode(tokens[torch.cat([draw.templates for draw in draws])], words).to(model.dtype)
    noisy = schedule.add_noise(latents, noise, times)
    prediction = model.predict(noisy.to(model.dtype), times, encoder_hidden_states=context, return_dict=False)[0]
    target = noise if schedule.config.prediction_type == "epsilon" else schedule.get_velocity(latents, noise, times)
    error = (prediction.float() - target).square()
    return error.view(len(draws), -1).mean(dim=1)


def _noise_schedule(scheduler: Any) -> Any:
    """The schedule that the checkpoint was trained with, whatever its sampler."""
    from diffusers import DDPMScheduler

    schedule = DDPMScheduler.from_config(scheduler.config)
    predicted = schedule.config.prediction_type
    if predicted not in ("epsilon", "v_prediction"):
        raise UserError(f"the checkpoint predicts '{predicted}'; textual inversion needs epsilon or v_prediction")
    return schedule
