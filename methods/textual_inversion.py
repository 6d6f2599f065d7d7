"""Textual inversion (Gal et al. 2023) of all classes of a task together: one learned word a class.

Each class has its own draws (images, flips, templates, times, noise) from its own seed, and the loss is a sum over
classes, so that AdamW on the matrix of words is exactly one AdamW a class: a class learns what it would learn alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from datasets.errors import UserError
from methods.generator import Generator
from methods.latent_diffusion import LatentDiffusion
from methods.plan import PLACEHOLDER
from methods.settings import TextualInversionSettings

TEMPLATES = (
    "a photo of a {}", "a rendering of a {}", "a cropped photo of the {}", "the photo of a {}",
    "a photo of a clean {}", "a photo of a dirty {}", "a dark photo of the {}", "a photo of my {}",
    "a photo of the cool {}", "a close-up photo of a {}", "a bright photo of the {}", "a cropped photo of a {}",
    "a photo of the {}", "a good photo of the {}", "a photo of one {}", "a close-up photo of the {}",
    "a rendition of the {}", "a photo of the clean {}", "a rendition of a {}", "a photo of a nice {}",
    "a good photo of a {}", "a photo of the nice {}", "a photo of the small {}", "a photo of the weird {}",
    "a photo of the large {}", "a photo of a cool {}", "a photo of a small {}",
)  # fmt: skip
"""The 27 neutral templates of Textual Inversion's object words."""

CLASS_NOUN = "<noun>"
"""As `initial_word`: start each class from its own noun."""

_HALF_PRECISION_SCALE = 1024.0
"""Losses are multiplied by it where the UNet runs in float16, lest small gradients vanish."""

_FEW_POSITIONS = 16
"""Sides of latents up to which plain attention is preferred on a CPU; it keeps a matrix of all pairs of positions."""

Progress = Callable[[int, int], None]
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Draws:
    """What one step takes of one class: `batch` samples."""

    latents: Tensor
    noise: Tensor
    times: Tensor
    templates: Tensor


class _ClassSampler:
    """One class's images as posteriors of the codec, flipped copies included, and its random numbers."""

    def __init__(self, model: LatentDiffusion, images: Sequence[Image.Image], resolution: int, seed: int) -> None:
        posteriors = [model.posterior(view) for image in images for view in _views(image, resolution)]
        self.mean = torch.cat([posterior.mean for posterior in posteriors])
        self.std = torch.cat([posterior.std for posterior in posteriors])
        self.scaling = model.scaling
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, batch: int, times: int) -> _Draws:
        """Uniform draws of image, flip, template and time; normal ones of the codec's and the schedule's noise."""
        views = self._integers(len(self.mean), batch)
        templates, moments = self._integers(len(TEMPLATES), batch), self._integers(times, batch)
        shape = (batch, *self.mean.shape[1:])
        codec, noise = (torch.randn(shape, generator=self.generator).to(self.mean) for _ in range(2))
        views = views.to(self.mean.device)
        latents = self.scaling * (self.mean[views] + self.std[views] * codec)
        return _Draws(latents, noise, moments, templates)

    def _integers(self, bound: int, count: int) -> Tensor:
        return torch.randint(bound, (count,), generator=self.generator)


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
        UserError: an initial word that the tokenizer does not know, or a checkpoint that predicts neither ε nor v.
    """
    initial = _initial_words(generator, settings.initial_word, len(images), nouns)
    group = max(1, settings.classes_per_batch)
    starts = range(0, len(images), group)
    total = len(starts) * settings.steps
    words = []
    for done, start in enumerate(starts):
        chosen = slice(start, start + group)
        samplers = [
            _ClassSampler(generator.model, own, generator.settings.resolution, seed)
            for own, seed in zip(images[chosen], seeds[chosen], strict=True)
        ]
        report = _offset_progress(on_progress, done * settings.steps, total)
        words.append(_learn_group(generator.model, samplers, initial[chosen], settings, report))
    return np.concatenate(words)


def _initial_words(generator: Generator, word: str, classes: int, nouns: Sequence[str] | None) -> Matrix:
    if word != CLASS_NOUN:
        return np.stack([generator.noun_embedding(word)] * classes)
    if nouns is None:
        raise ValueError("words can start from the nouns only where the nouns are given")
    return np.stack([generator.noun_embedding(noun) for noun in nouns])


def _views(image: Image.Image, resolution: int) -> list[Image.Image]:
    resized = image.convert("RGB").resize((resolution, resolution), Image.Resampling.BICUBIC)
    return [resized, ImageOps.mirror(resized)]


def _offset_progress(report: Progress | None, offset: int, total: int) -> Callable[[int], None]:
    return lambda step: None if report is None else report(offset + step, total)


def _learn_group(
    model: LatentDiffusion,
    samplers: Sequence[_ClassSampler],
    initial: Matrix,
    settings: TextualInversionSettings,
    report: Callable[[int], None],
) -> Matrix:
    """Learn the words of classes that share their steps."""
    words = torch.tensor(initial, device=model.device, requires_grad=True)
    optimizer = torch.optim.AdamW([words], lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = _noise_schedule(model.scheduler)
    tokens = model.encoder.tokenize([template.format(PLACEHOLDER) for template in TEMPLATES])
    scale = _HALF_PRECISION_SCALE if model.dtype == torch.float16 else 1.0
    for step in range(settings.steps):
        draws = [sampler.draw(settings.batch_size, schedule.config.num_train_timesteps) for sampler in samplers]
        rows = words.repeat_interleave(settings.batch_size, dim=0)
        with _attention(model):
            loss = _loss(model, schedule, draws, tokens, rows)
            (gradient,) = torch.autograd.grad(loss * scale, words)
        words.grad = torch.nan_to_num(gradient / scale, nan=0.0, posinf=0.0, neginf=0.0)
        optimizer.step()
        report(step + 1)
    result: Matrix = words.detach().cpu().numpy()
    return result


def _attention(model: LatentDiffusion) -> AbstractContextManager[None]:
    """On a CPU the fused attention is slow backwards; where positions are few, plain products are faster."""
    if model.device.type == "cpu" and model.unet.config.sample_size <= _FEW_POSITIONS:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()


def _loss(model: LatentDiffusion, schedule: Any, draws: Sequence[_Draws], tokens: Tensor, words: Tensor) -> Tensor:
    """The sum over classes of the mean squared error over a class's samples."""
    latents = torch.cat([draw.latents for draw in draws])
    noise = torch.cat([draw.noise for draw in draws])
    times = torch.cat([draw.times for draw in draws]).to(model.device)
    context = model.encoder.encode(tokens[torch.cat([draw.templates for draw in draws])], words).to(model.dtype)
    noisy = schedule.add_noise(latents, noise, times)
    prediction = model.unet(noisy, times, encoder_hidden_states=context, return_dict=False)[0]
    target = noise if schedule.config.prediction_type == "epsilon" else schedule.get_velocity(latents, noise, times)
    error = (prediction.float() - target.float()).square()
    return error.mean() * len(draws)


def _noise_schedule(scheduler: Any) -> Any:
    """The schedule that the checkpoint was trained with, whatever its sampler."""
    from diffusers import DDPMScheduler

    schedule = DDPMScheduler.from_config(scheduler.config)
    predicted = schedule.config.prediction_type
    if predicted not in ("epsilon", "v_prediction"):
        raise UserError(f"the checkpoint predicts '{predicted}'; textual inversion needs epsilon or v_prediction")
    return schedule
