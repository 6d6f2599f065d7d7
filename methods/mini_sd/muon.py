"""Muon (Jordan et al. 2024) for convolutions and matrices.

In 80 s on one core, 213 steps of Muon brought the autoencoder to 20.0 dB, and 549 steps of AdamW to 18.6 dB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from evaluation.device import multiplies_bfloat16

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates; a convolution counts as a matrix (output channels, everything else).

    `torch.optim.Muon` takes only matrices; most of these networks' parameters are convolutions.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float):
        super().__init__(parameters, {"lr": learning_rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            gradients: Any = [parameter.grad for parameter in moved]
            averages = [self._average(parameter) for parameter in moved]
            torch._foreach_lerp_(averages, gradients, 1 - _MOMENTUM)
            directions = torch._foreach_lerp(gradients, averages, _MOMENTUM)
            _move(moved, directions, group["lr"])

    def _average(self, parameter: nn.Parameter) -> Tensor:
        """The moving average of the parameter's gradients."""
        average: Tensor = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
        return average


def _move(parameters: Sequence[nn.Parameter], directions: Sequence[Tensor], rate: float) -> None:
    """Update parameters along orthogonalised directions; small matrices of the same shape are batched for speed."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for i, parameter in enumerate(parameters):
        shapes.setdefault((parameter.shape[0], parameter[0].numel()), []).append(i)
    for (rows, columns), members in shapes.items():
        updates = orthogonalize(torch.stack([directions[i].flatten(1) for i in members]))
        for i, update in zip(members, updates, strict=True):
            parameters[i].add_(update.view_as(parameters[i]), alpha=-rate * max(1.0, rows / columns) ** 0.5)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Approximately the nearest semi-orthogonal matrices, (N, rows, columns), by five Newton-Schulz iterations.

    These run in bfloat16, which is precise enough, if the device has instructions for it.
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    dtype = torch.bfloat16 if multiplies_bfloat16(matrices.device) else matrices.dtype
    x = (matrices if wide else matrices.mT).to(dtype)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.mT).to(matrices.dtype)


def optimizers(
    modules: Iterable[nn.Module], learning_rate: float, adam_learning_rate: float
) -> list[torch.optim.Optimizer]:
    """Muon for the inner matrices and convolutions; AdamW for embeddings, first and last layers, norms and biases."""
    named = [(name, parameter) for module in modules for name, parameter in module.named_parameters()]
    outer = ("conv_in", "conv_out", "embedding")
    inner = [p for name, p in named if p.ndim >= 2 and not any(part in name for part in outer)]
    chosen = {id(parameter) for parameter in inner}
    rest = [parameter for _, parameter in named if id(parameter) not in chosen]
    return [
        Muon(inner, learning_rate),
        torch.optim.AdamW(rest, adam_learning_rate, betas=(0.9, 0.99), weight_decay=0.0),
    ]
