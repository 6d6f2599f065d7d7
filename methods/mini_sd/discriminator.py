"""Distinguishes drawn pictures from renders by a photograph network's features (Projected GANs, Sauer et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

WIDTH = 64
SIDES = (1, 1, 3, 3, 3)
"""Side of each stage's filters. The first two have many positions, and the network's own receptive field is enough."""


class Discriminator(nn.Module):
    """A small head on the features of each stage; its logits are above 0 where a picture looks like a render."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(_head(count, side) for count, side in zip(channels, SIDES, strict=True))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Logits of each stage, float32 (N, 1, h, w)."""
        # Features have unit length over channels, but filters expect entries near 1.
        return [head(stage * stage.shape[1] ** 0.5).float() for head, stage in zip(self.heads, features, strict=True)]

    def hinge_loss(self, rendered: Sequence[Tensor], drawn: Sequence[Tensor]) -> Tensor:
        """The discriminator's loss (Lim & Ye 2017); no gradient flows to the features or their pictures."""
        real, made = (self([stage.detach() for stage in features]) for features in (rendered, drawn))
        losses = [(1 - a).relu().mean() + (1 + b).relu().mean() for a, b in zip(real, made, strict=True)]
        return torch.stack(losses).mean()

    def realism(self, drawn: Sequence[Tensor]) -> Tensor:
        """Mean logit, which training of the drawing model increases; no gradient flows to the discriminator."""
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
