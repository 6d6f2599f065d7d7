"""Tells drawn pictures from renders by what a network for photographs sees (Projected GANs, Sauer et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

WIDTH = 64
SIDES = (1, 1, 3, 3, 3)
"""Of each stage's filters: at the first two a window of the network's own is enough, and positions are many."""


class Discriminator(nn.Module):
    """A small head on the features of each stage: logits above zero where it takes a picture for a render."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(_head(count, side) for count, side in zip(channels, SIDES, strict=True))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Logits of each stage, float32 (N, 1, h, w)."""
        # Features come at unit length; a filter wants entries near one.
        return [head(stage * stage.shape[1] ** 0.5).float() for head, stage in zip(self.heads, features, strict=True)]

    def hinge_loss(self, rendered: Sequence[Tensor], drawn: Sequence[Tensor]) -> Tensor:
        """What it learns from (Lim & Ye 2017); it teaches the features' pictures nothing."""
        real, made = (self([stage.detach() for stage in features]) for features in (rendered, drawn))
        losses = [(1 - a).relu().mean() + (1 + b).relu().mean() for a, b in zip(real, made, strict=True)]
        return torch.stack(losses).mean()

    def realism(self, drawn: Sequence[Tensor]) -> Tensor:
        """The mean logit, which whoever drew the pictures raises; the discriminator itself learns nothing from it."""
        still = {name: parameter.detach() for name, parameter in self.named_parameters()}
        logits: list[Tensor] = functional_call(self, still, (drawn,))
        return torch.stack([stage.mean() for stage in logits]).mean()


def _head(channels: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(channels, WIDTH, 1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(WIDTH, WIDTH, side, padding=side // 2)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(WIDTH, 1, 1)),
    )
