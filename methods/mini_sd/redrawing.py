"""Noises and denoises pictures as a sampler does, so that training sees the same inputs as sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from methods.guidance import guided
from methods.mini_sd.architecture import build_scheduler
from methods.mini_sd.train_denoiser import CaptionedLatents, Noised, add_noise, predicted_velocities

LAST_TIME = 400
"""Up to this time a picture's shapes are decided but its details are not. A linear probe trained on pictures made from
noise is less accurate than one trained on renders, and most of this loss already occurs with renders that are noised
to 0.3 of the schedule and denoised."""
GUIDANCE_SCALES = (1.0, 4.0)
"""Range of a redrawn picture's guidance scale, from no guidance to the benchmark's strongest."""


@dataclass(frozen=True)
class Redrawing:
    """Pictures in the middle of sampling, each at its own time and guidance scale."""

    noised: Noised
    empty: Tensor
    """Tokens of the empty caption, (1, 32)."""
    scales: Tensor
    """Guidance scales, (N,)."""

    @classmethod
    def begin(cls, pictures: CaptionedLatents, chosen: Tensor, draw: torch.Generator) -> Redrawing:
        """The chosen pictures, noised to random times before `LAST_TIME`."""
        times = torch.randint(1, LAST_TIME, (len(chosen),), generator=draw)
        lowest, highest = GUIDANCE_SCALES
        scales = lowest + (highest - lowest) * torch.rand(len(chosen), generator=draw)
        return cls(add_noise(pictures, chosen, times, draw, 0.0), pictures.empty, scales)

    @property
    def both_halves(self) -> list[Noised]:
        """The denoiser's two inputs for guidance: without the captions, and with them."""
        return [replace(self.noised, tokens=self.empty.expand_as(self.noised.tokens)), self.noised]

    def guided(self, velocities: Tensor) -> Tensor:
        """Guided velocities, (N, 16, 8, 8), from the velocities of both halves, (2N, 16, 8, 8)."""
        return guided(velocities, self.scales.view(-1, 1, 1, 1).to(velocities.device))

    def clean(self, velocities: Tensor) -> Tensor:
        """The clean latents, (N, 16, 8, 8), as estimated from the velocities of both halves."""
        return clean_estimates(self.noised, self.guided(velocities))

    @torch.no_grad()
    def after_a_step(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel, draw: torch.Generator) -> Redrawing:
        """The pictures at earlier times, after a DDIM step with only fresh noise (Song et al. 2021, eq. 12, η = 1)."""
        now = self.noised
        velocities = self.guided(predicted_velocities(unet, text_encoder, together(self.both_halves)))
        times = (now.times * torch.rand(len(now.times), generator=draw)).long()
        fresh = torch.randn(now.latents.shape, generator=draw).to(unet.device)
        latents = stepped(now, velocities, times, fresh).to(now.latents.device)
        return replace(self, noised=replace(now, latents=latents, times=times))


def stepped(noised: Noised, velocities: Tensor, times: Tensor, fresh: Tensor, eta: float = 1.0) -> Tensor:
    """Latents after a DDIM step to earlier times, (N,) (Song et al. 2021, eq. 12); at η = 1 all noise is fresh."""
    kept = build_scheduler().alphas_cumprod
    before, after = (kept[at].view(-1, 1, 1, 1).to(velocities.device) for at in (noised.times, times))
    noise = (1 - before).sqrt() * noised.latents.to(velocities.device) + before.sqrt() * velocities
    variance = eta**2 * (1 - after) / (1 - before) * (1 - before / after)
    old = (1 - after - variance).clamp(min=0).sqrt()
    return after.sqrt() * clean_estimates(noised, velocities) + old * noise + variance.sqrt() * fresh


def together(parts: Sequence[Noised]) -> Noised:
    """Concatenate several batches into one."""
    joined = {field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Noised)}
    return Noised(**joined)


def clean_estimates(noised: Noised, velocities: Tensor) -> Tensor:
    """The clean latents, (N, 16, 8, 8), as estimated from predicted velocities (Salimans & Ho 2022)."""
    kept = build_scheduler().alphas_cumprod[noised.times].view(-1, 1, 1, 1).to(velocities.device)
    return kept.sqrt() * noised.latents.to(velocities.device) - (1 - kept).sqrt() * velocities
