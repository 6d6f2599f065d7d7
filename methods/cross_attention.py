"""Computes the keys and values of the text for all of a UNet's cross-attention layers at once.

Otherwise each layer projects the same text states to its own keys and values, and does so at every denoising step:
small matrix products that take a GPU a thirtieth of an image's time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Part(nn.Module):
    """Takes some entries of each vector; replaces the layer that computed these entries."""

    def __init__(self, entries: slice) -> None:
        super().__init__()
        self.entries = entries

    def forward(self, vectors: Tensor) -> Tensor:
        """Reduce (..., all entries) to (..., this layer's entries)."""
        return vectors[..., self.entries]


def take_out_text_projections(unet: Any) -> nn.Linear:
    """Move all cross-attention projections to keys and values out of the UNet, into one layer, which is returned.

    Afterwards the UNet's `encoder_hidden_states` must be this layer's output for the text states, (rows, length,
    entries).
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
