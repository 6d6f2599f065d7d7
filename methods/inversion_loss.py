"""The loss of textual inversion: how well a checkpoint denoises a class's images under the class's word."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from evaluation.device import sent
from methods.inversion_samples import TEMPLATES, Draws
from methods.latent_diffusion import LatentDiffusion
from methods.plan import PLACEHOLDER

_FEW_POSITIONS = 16
"""Sides of latents up to which plain attention is preferred on a CPU; it keeps a matrix of all pairs of positions."""


class InversionLoss:
    """The mean squared error of the noise (or of v) that a checkpoint predicts, of several classes together."""

    def __init__(self, model: LatentDiffusion) -> None:
        self.model = model
        self.schedule = noise_schedule(model.scheduler)
        self.tokens = model.encoder.tokenize([template.format(PLACEHOLDER) for template in TEMPLATES])

    @property
    def times(self) -> int:
        """Times of the schedule that the checkpoint was trained with."""
        return int(self.schedule.config.num_train_timesteps)

    def __call__(self, draws: Sequence[Draws], words: Tensor) -> Tensor:
        """Each class's mean over its samples, (classes,): float32 but for the UNet's own arithmetic.

        Args:
            draws: each class's samples, as many of each.
            words: each class's word, (classes, word_dimension).
        """
        model = self.model
        latents = torch.cat([draw.latents for draw in draws])
        noise = torch.cat([draw.noise for draw in draws])
        times = sent(torch.cat([draw.times for draw in draws]), model.device)
        tokens = self.tokens[torch.cat([draw.templates for draw in draws])]
        rows = words.repeat_interleave(len(tokens) // len(draws), dim=0)
        context = model.project_text(model.encoder.encode(tokens, rows).to(model.dtype))
        noisy = self.schedule.add_noise(latents, noise, times)
        (prediction,) = model.predict(noisy.to(model.dtype), times, encoder_hidden_states=context, return_dict=False)
        predicts_noise = self.schedule.config.prediction_type == "epsilon"
        target = noise if predicts_noise else self.schedule.get_velocity(latents, noise, times)
        return (prediction.float() - target).square().reshape(len(draws), -1).mean(dim=1)


def noise_schedule(scheduler: Any) -> Any:
    """The schedule that the checkpoint was trained with, whatever its sampler."""
    from diffusers import DDPMScheduler

    return DDPMScheduler.from_config(scheduler.config)


def fastest_attention(model: LatentDiffusion) -> AbstractContextManager[None]:
    """To be kept until the gradients are there: checkpointed activations are computed again on the way back.

    It holds for all threads, so it is entered before and left after them.
    On a CPU the fused attention is slow backwards; where positions are few, plain products are faster.
    """
    if model.device.type == "cpu" and model.unet.config.sample_size <= _FEW_POSITIONS:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()
