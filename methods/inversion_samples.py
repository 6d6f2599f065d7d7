"""What textual inversion learns a class from: its images as encoded by the codec, the templates, and random draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image, ImageOps
from torch import Tensor

from evaluation.device import sent
from methods.latent_diffusion import LatentDiffusion, Posterior

TEMPLATES = (
    "a photo of a {}", "a rendering of a {}", "a cropped photo of the {}", "the photo of a {}",
    "a photo of a clean {}", "a photo of a dirty {}", "a dark photo of the {}", "a photo of my {}",
    "a photo of the cool {}", "a close-up photo of a {}", "a bright photo of the {}", "a cropped photo of a {}",
    "a photo of the {}", "a good photo of the {}", "a photo of one {}", "a close-up photo of the {}",
    "a rendition of the {}", "a photo of the clean {}", "a rendition of a {}", "a photo of a nice {}",
    "a good photo of a {}", "a photo of the nice {}", "a photo of the small {}", "a photo of the weird {}",
    "a photo of the large {}", "a photo of a cool {}", "a photo of a small {}",
)  # fmt: skip
"""The 27 neutral templates that Textual Inversion uses for objects."""


@dataclass(frozen=True)
class Draws:
    """One step's samples of one class; each tensor has `batch` rows."""

    latents: Tensor
    noise: Tensor
    times: Tensor
    templates: Tensor


def views_of(model: LatentDiffusion, images: Sequence[Image.Image], resolution: int) -> Posterior:
    """The codec's posteriors of a class's images and of their flipped copies, (2 × images, channels, height, width)."""
    posteriors = [model.posterior(view) for image in images for view in _views(image, resolution)]
    return Posterior(torch.cat([each.mean for each in posteriors]), torch.cat([each.std for each in posteriors]))


class ClassSampler:
    """Draws random samples from one class's views."""

    def __init__(self, views: Posterior, scaling: float, seed: int) -> None:
        self.views, self.scaling = views, scaling
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, batch: int, times: int) -> Draws:
        """Draw image, flip, template and time uniformly, and the codec's and the schedule's noise normally."""
        mean, std = self.views.mean, self.views.std
        views = self._integers(len(mean), batch)
        templates, moments = self._integers(len(TEMPLATES), batch), self._integers(times, batch)
        shape = (batch, *mean.shape[1:])
        codec, noise = (sent(torch.randn(shape, generator=self.generator), mean.device) for _ in range(2))
        views = sent(views, mean.device)
        latents = self.scaling * (mean[views] + std[views] * codec)
        return Draws(latents, noise, moments, templates)

    def judging_draws(self, batch: int, times: int, count: int) -> Iterator[Draws]:
        """Draw `count` samples in batches, with times spread evenly over the schedule."""
        spread = (torch.arange(count) + 0.5) * times / count
        for moments in spread.long().split(batch):
            yield replace(self.draw(batch, times), times=moments)

    def _integers(self, bound: int, count: int) -> Tensor:
        return torch.randint(bound, (count,), generator=self.generator)


def _views(image: Image.Image, resolution: int) -> list[Image.Image]:
    resized = image.convert("RGB").resize((resolution, resolution), Image.Resampling.BICUBIC)
    return [resized, ImageOps.mirror(resized)]
