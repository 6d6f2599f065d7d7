"""The loss of textual inversion: how well a checkpoint denoises a class's images given the class's word."""

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
"""Largest side of latents for which a CPU uses plain attention, which stores a matrix of all pairs of positions."""


class InversionLoss:
    """The mean squared error of the noise (or v) that a checkpoint predicts, for several classes together."""

    def __init__(self, model: LatentDiffusion) -> None:
        self.model = model
        self.schedule = noise_schedule(model.scheduler)
        self.tokens = model.encoder.tokenize([template.format(PLACEHOLDER) for template in TEMPLATES])

    @property
    def times(self) -> int:
        """Number of times in the schedule that the checkpoint was trained with."""
        return int(self.schedule.config.num_train_timesteps)

    def __call__(self, draws: Sequence[Draws], words: Tensor) -> Tensor:
        """Each class's mean over its samples, (classes,), in float32 except inside the UNet.

        Args:
            draws: each class's samples, the same number for each class.
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
    """A context with the fastest attention for learning, to be left only when the gradients are computed.

    Gradient checkpointing computes activations again in the backward pass. The context applies to all threads, so enter
    it before they start and leave it after they end.
    On a CPU, fused attention has a slow backward pass; for few positions, plain matrix products are faster.
    """
    if model.device.type == "cpu" and model.unet.config.sample_size <= _FEW_POSITIONS:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()
