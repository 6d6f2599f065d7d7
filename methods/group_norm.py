"""Group normalisation for networks in channels_last: it reads whole rows of memory, not a few channels at a time.

A group has only 10 to 30 of a row's channels. PyTorch's own layer reads each group separately, or first converts the
images to another layout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelsLastGroupNorm(nn.Module):
    """Computes `nn.GroupNorm` from the moments of each channel, which are computed over whole rows.

    Uncompiled, it calls PyTorch's layer, since each of its own steps would take memory: ten times as much in all.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (N, channels, …) of any precision in float32; the result has the precision of the input."""
        if not torch.compiler.is_compiling():
            normalised: Tensor = self.norm(images)
            return normalised
        norm, rows = self.norm, images.movedim(1, -1)
        grouped = (norm.num_groups, -1)
        values = rows.flatten(1, -2).unflatten(-1, grouped).float()
        variances, means = torch.var_mean(values, dim=1, correction=0, keepdim=True)
        mean = means.mean(dim=-1, keepdim=True)
        variance = (variances + (means - mean).square()).mean(dim=-1, keepdim=True)
        standard = (values - mean) * torch.rsqrt(variance + norm.eps)
        scaled = standard * norm.weight.unflatten(0, grouped) + norm.bias.unflatten(0, grouped)
        return scaled.to(images.dtype).reshape(rows.shape).movedim(-1, 1)


def normalise_in_channels_last(network: nn.Module) -> None:
    """Replace a network's group norms by these layers, with the same weights."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.GroupNorm):
                setattr(parent, name, ChannelsLastGroupNorm(layer))
