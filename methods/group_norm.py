"""Group normalisation for networks in channels_last: read row by row as it lies, not a few channels at a time.

A group's 10 to 30 channels are a twentieth of a row. PyTorch's own layer reads them alone for each group, or turns the
images round first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelsLastGroupNorm(nn.Module):
    """What `nn.GroupNorm` computes, from each channel's own moments, which take whole rows to compute.

    Uncompiled it calls PyTorch's layer: each step of its own would take memory, ten times as much in all.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, …) of any precision; computed in float32, and returned as it came."""
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
    """Put these layers in place of a network's own, with the same weights."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.GroupNorm):
                setattr(parent, name, ChannelsLastGroupNorm(layer))
