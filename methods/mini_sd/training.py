"""Code shared by the training scripts: a loop that resumes exactly, its learning-rate schedule and progress output."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from datasets.whole_file import whole_file
from evaluation.arrays import Pixels
from evaluation.device import multiplies_bfloat16

WARMUP_STEPS = 50


def train(
    folder: Path,
    modules: Sequence[nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
    loss_of_step: Callable[[int], Tensor],
    steps: int,
    report: Callable[[], str],
    averages: Sequence[nn.Module] = (),
    decay_share: float = 0.3,
    save_every: int = 250,
) -> None:
    """Run `steps` optimiser steps, saving to `folder/training.pt`; the same call resumes after an interruption.

    `loss_of_step(step)` must derive all its randomness from the step's number, so that resumed training
    sees the same data as uninterrupted training. `averages` are copies of the modules that become their
    exponential moving averages.
    """
    state = folder / "training.pt"
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    start, rates = _restore(state, [*modules, *averages, *optimizers], rates)
    began = time.time()
    for step in range(start, steps):
        _set_rates(optimizers, rates, schedule(step, steps, decay_share))
        loss = loss_of_step(step)
        loss.backward()
        nn.utils.clip_grad_norm_(_parameters(modules), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        _follow(averages, modules, decay=min(0.998, (step + 1) / (step + 10)))
        if (step + 1) % save_every == 0 or step + 1 == steps:
            _save(state, [*modules, *averages, *optimizers], step + 1, rates)
            pace = (time.time() - began) / (step + 1 - start)
            left = pace * (steps - step - 1) / 60
            now = f"step {step + 1}/{steps} loss {loss.item():.4f} {report()}"
            print(f"{now} {pace:.2f} s/step, {left:.0f} min left", flush=True)


def speed_up(unet: UNet2DConditionModel) -> None:
    """Set the UNet up for the fastest training on a CPU."""
    # With so few positions, PyTorch's fused attention takes a third of a step's time.
    unet.set_attn_processor(AttnProcessor())
    # A compiled step takes half the time of a plain one, which mostly moves activations through memory.
    unet.compile(dynamic=False)


def schedule(step: int, steps: int, decay_share: float) -> float:
    """Learning-rate factor: warm-up, plateau, linear decay to 0; `steps` may be changed during the plateau."""
    return min((step + 1) / WARMUP_STEPS, 1.0, (steps - step) / (decay_share * steps))


def generator_of(*identity: int) -> torch.Generator:
    """A generator seeded by numbers that identify the draw, such as the seed and the step."""
    seed = 0
    for number in identity:
        seed = (seed * 1_000_003 + number) % 2**63
    return torch.Generator().manual_seed(seed)


def pixels_of(pictures: Pixels) -> Tensor:
    """uint8 pictures (N, H, W, 3) as float32 pixels (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def mixed_precision(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 autocast, which is twice as fast, if the device has instructions for it; else float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device))


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
    with whole_file(path) as file:
        torch.save({"step": step, "rates": rates, "parts": [part.state_dict() for part in parts]}, file)


def _restore(path: Path, parts: Sequence[Any], rates: list[list[float]]) -> tuple[int, list[list[float]]]:
    """The number of steps done, and the learning rates with which training began: `rates` for a new start."""
    if not path.exists():
        return 0, rates
    saved = torch.load(path, weights_only=True)
    for part, state in zip(parts, saved["parts"], strict=True):
        part.load_state_dict(state)
    return int(saved["step"]), saved["rates"]
