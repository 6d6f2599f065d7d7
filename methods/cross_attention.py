"""What a UNet's cross-attention takes of a text, for all layers at once.

Each layer projects the same states of the text to keys and to values of its own, and again at every denoising step:
small products, on which a GPU spends a thirtieth of an image's time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Part(nn.Module):
    """Some entries of each vector, in place of the layer that computed them."""

    def __init__(self, entries: slice) -> None:
        super().__init__()
        self.entries = entries

    def forward(self, vectors: Tensor) -> Tensor:
        """(..., all entries) to (..., its own)."""
        return vectors[..., self.entries]


def take_out_text_projections(unet: Any) -> nn.Linear:
    """One layer from states of the text to every cross-attention's keys and values, which are taken out of the UNet.

    Afterwards the UNet's `encoder_hidden_states` are what this layer makes of the states, (rows, length, entries).
    """
    from diffusers.models.attention_processor import Attention

    layers = [layer for layer in unet.modules() if isinstance(layer, Attention) and layer.is_cross_attention]
    projections = [(layer, name) for layer in layers for name in ("to_k", "to_v")]
    weights, end = [], 0
    for layer, name in projections:
        weight = getattr(layer, name).weight.detach()
        begin, end = end, end + len(weight)
        setattr(layer, name, _Part(slice(begin, end)))
        weights.append(weight)
    return _linear(torch.cat(weights))


def _linear(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer
