"""What the training scripts share: a loop that resumes exactly, its learning-rate schedule, its progress."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T", bound=nn.Module)

WARMUP_STEPS = 50


def train(
    folder: Path,
    modules: Sequence[nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
    loss_of_step: Callable[[int], Tensor],
    steps: int,
    report: Callable[[int], str],
    averages: Sequence[nn.Module] = (),
    decay_share: float = 0.3,
    replicas: Sequence[Replica] = (),
    save_every: int = 250,
) -> None:
    """Run `steps` optimiser steps, saving to `folder/training.pt`; the same call goes on after an interruption.

    `loss_of_step(step)` draws all its randomness from the step's number, so that a resumed training
    sees what an uninterrupted one would have seen. `averages` are copies of the modules that follow
    them as exponential moving averages. `replicas` share the modules' weights and add their gradients.
    """
    state = folder / "training.pt"
    start = _restore(state, [*modules, *averages, *optimizers])
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers] if not start else None
    rates = rates or torch.load(state, weights_only=True)["rates"]
    began = time.time()
    for step in range(start, steps):
        _set_rates(optimizers, rates, schedule(step, steps, decay_share))
        loss = _backward(step, modules, loss_of_step, replicas)
        nn.utils.clip_grad_norm_(_parameters(modules), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        _follow(averages, modules, decay=min(0.998, (step + 1) / (step + 10)))
        if (step + 1) % save_every == 0 or step + 1 == steps:
            _save(state, [*modules, *averages, *optimizers], step + 1, rates)
            pace = (time.time() - began) / (step + 1 - start)
            left = pace * (steps - step - 1) / 60
            now = f"step {step + 1}/{steps} loss {loss:.4f} {report(step)}"
            print(f"{now} {pace:.2f} s/step, {left:.0f} min left", flush=True)


@dataclass(frozen=True)
class Replica:
    """Copies of the modules on the same weights, with gradients of their own, and their share of each batch.

    On a few processor cores a thread for each half of the batch is faster than two threads within each operation.
    """

    modules: Sequence[nn.Module]
    loss_of_step: Callable[[int], Tensor]


def shared_copy(module: T) -> T:
    """A copy whose parameters are the module's own storage."""
    replica = copy.deepcopy(module)
    for own, shared in zip(replica.parameters(), module.parameters(), strict=True):
        own.data = shared.data
    return replica


def schedule(step: int, steps: int, decay_share: float) -> float:
    """Warm-up, plateau, linear decay to zero over the last share: the end may be moved while on the plateau."""
    return min((step + 1) / WARMUP_STEPS, 1.0, (steps - step) / (decay_share * steps))


def generator_of(*identity: int) -> torch.Generator:
    """A generator seeded by numbers that name the draw, such as the seed and the step."""
    seed = 0
    for number in identity:
        seed = (seed * 1_000_003 + number) % 2**63
    return torch.Generator().manual_seed(seed)


def mixed_precision(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 autocast: twice the speed on processors and GPUs that multiply in it, harmless elsewhere."""
    return torch.autocast(device.type, torch.bfloat16)


def _backward(
    step: int, modules: Sequence[nn.Module], loss_of_step: Callable[[int], Tensor], replicas: Sequence[Replica]
) -> float:
    """Gradients of the mean loss over the modules and their replicas, each in its own thread."""

    def run(loss: Callable[[int], Tensor]) -> float:
        value = loss(step)
        (value / (1 + len(replicas))).backward()
        return value.item()

    with ThreadPoolExecutor(1 + len(replicas)) as pool:
        losses = list(pool.map(run, [loss_of_step, *(replica.loss_of_step for replica in replicas)]))
    for replica in replicas:
        for own, other in zip(_parameters(modules), _parameters(replica.modules), strict=True):
            if own.grad is not None and other.grad is not None:
                own.grad += other.grad
            other.grad = None
    return sum(losses) / len(losses)


def _parameters(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    return [parameter for module in modules for parameter in module.parameters()]


def _set_rates(optimizers: Sequence[torch.optim.Optimizer], rates: list[list[float]], factor: float) -> None:
    for optimizer, group_rates in zip(optimizers, rates, strict=True):
        for group, rate in zip(optimizer.param_groups, group_rates, strict=True):
            group["lr"] = rate * factor


@torch.no_grad()
def _follow(averages: Sequence[nn.Module], modules: Sequence[nn.Module], decay: float) -> None:
    for average, module in zip(averages, modules, strict=False):
        torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)


def _save(path: Path, parts: Sequence[Any], step: int, rates: list[list[float]]) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save({"step": step, "rates": rates, "parts": [part.state_dict() for part in parts]}, temporary)
    temporary.replace(path)


def _restore(path: Path, parts: Sequence[Any]) -> int:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return 0
    saved = torch.load(path, weights_only=True)
    for part, state in zip(parts, saved["parts"], strict=True):
        part.load_state_dict(state)
    return int(saved["step"])
