"""Muon (Jordan et al. 2024) for convolutions and matrices.

In a trial of 80 s on one core, 213 steps brought the autoencoder to 20.0 dB, 549 of AdamW to 18.6 dB.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised, each filter bank seen as a matrix (out, everything else).

    `torch.optim.Muon` takes matrices only; most of these networks' parameters are convolutions.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float, threads: int, momentum: float = 0.95):
        super().__init__(parameters, {"lr": learning_rate, "momentum": momentum})
        self._pool = ThreadPoolExecutor(threads)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            list(self._pool.map(lambda parameter, group=group: self._update(parameter, **group), group["params"]))

    @torch.no_grad()
    def _update(self, parameter: nn.Parameter, lr: float, momentum: float, **_others: object) -> None:
        if parameter.grad is None:
            return
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"].lerp_(parameter.grad, 1 - momentum)
        update = orthogonalize(parameter.grad.lerp(average, momentum))
        rows, columns = parameter.shape[0], parameter[0].numel()
        parameter.add_(update, alpha=-lr * max(1.0, rows / columns) ** 0.5)


def orthogonalize(gradient: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly, by five Newton-Schulz iterations in bfloat16."""
    matrix = gradient.flatten(1)
    wide = matrix.shape[0] <= matrix.shape[1]
    x = (matrix if wide else matrix.mT).bfloat16()
    x = x / (x.norm() + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.mT).to(gradient.dtype).reshape(gradient.shape)


def optimizers(
    modules: Iterable[nn.Module], learning_rate: float, adam_learning_rate: float, threads: int = 1
) -> list[torch.optim.Optimizer]:
    """Muon for the inner matrices and convolutions; AdamW for embeddings, first and last layers, norms and biases."""
    named = [(name, parameter) for module in modules for name, parameter in module.named_parameters()]
    outer = ("conv_in", "conv_out", "embedding")
    inner = [p for name, p in named if p.ndim >= 2 and not any(part in name for part in outer)]
    chosen = {id(parameter) for parameter in inner}
    rest = [parameter for _, parameter in named if id(parameter) not in chosen]
    return [
        Muon(inner, learning_rate, threads),
        torch.optim.AdamW(rest, adam_learning_rate, betas=(0.9, 0.99), weight_decay=0.0),
    ]
