"""A UNet for classifier-free guidance that computes only once what both halves of its batch have in common.

A guided batch contains the same latents twice: with the empty prompt, and with each image's own prompt. Both halves are
equal up to the first cross-attention, that is, in the first convolution, the first residual block and the first
self-attention, which is one of those over the most positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn


class _OfOneHalf(nn.Module):
    """Computes a module's output for one half of a batch whose halves are equal, and repeats it for the other."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **named_inputs: Any) -> Tensor:
        output = self.module(*map(_half, inputs), **{name: _half(value) for name, value in named_inputs.items()})
        return torch.cat([output, output])


def guided_unet(unet: nn.Module) -> nn.Module:
    """Copy a UNet, sharing its weights in memory, for batches whose halves have the same latents and times."""
    shared = {id(tensor): tensor for tensor in chain(unet.parameters(), unet.buffers())}
    twin = deepcopy(unet, shared)
    for parent, name in list(_before_the_text(twin)):
        setattr(parent, name, _OfOneHalf(getattr(parent, name)))
    return twin


def _before_the_text(unet: Any) -> Iterator[tuple[nn.Module, str]]:
    """The modules before the first influence of the text, each as (parent, name in the parent)."""
    yield unet, "conv_in"
    for block in unet.down_blocks:
        if getattr(block, "attentions", None):
            yield block.resnets, "0"
            yield block.attentions[0].transformer_blocks[0], "attn1"
            return
        for modules in (block.resnets, block.downsamplers or nn.ModuleList()):
            yield from ((modules, name) for name, _ in modules.named_children())


def _half(value: Any) -> Any:
    return value[: len(value) // 2] if isinstance(value, Tensor) and value.ndim else value
