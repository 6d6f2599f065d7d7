"""Samplers: the checkpoint's own, or a faster one on the same noise schedule."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datasets.errors import UserError, reason_of
from datasets.plurals import counted

if TYPE_CHECKING:
    import torch

SCHEDULERS = {
    "checkpoint": "",
    "ddim": "DDIMScheduler",
    "pndm": "PNDMScheduler",
    "dpm_solver": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
    "lcm": "LCMScheduler",
}
"""diffusers' classes: Song et al. 2021, Liu et al. 2022, Lu et al. 2022 (DPM-Solver++), Zhao et al. 2023, Luo et al.
2023."""
WITH_ETA = ("DDIMScheduler",)
"""Samplers that can add a share η of fresh noise at each step."""


FOR_LATENTS: Mapping[str, Mapping[str, Any]] = {"ddim": {"clip_sample": False}, "pndm": {"skip_prk_steps": True}}
"""Values from Stable Diffusion's own configurations, for classes whose defaults suit other models: latents exceed
[-1, 1], and a schedule that begins with Runge–Kutta steps cannot be started midway."""


def scheduler_named(name: str, own: Any) -> Any:
    """The sampler with this name in `SCHEDULERS`, on the noise schedule of the checkpoint's own sampler."""
    if name == "checkpoint":
        return own
    import diffusers

    return getattr(diffusers, SCHEDULERS[name]).from_config(own.config, **FOR_LATENTS.get(name, {}))


def fresh_scheduler(scheduler: Any, steps: int) -> Any:
    """A copy of the sampler set to `steps`. A sampler has a history, so each batch needs its own.

    Its times stay on the CPU, so that looking one up does not wait for a GPU. Raises `UserError` if it cannot make that
    many steps.
    """
    fresh = copy.deepcopy(scheduler)
    try:
        fresh.set_timesteps(steps)
    except ValueError as error:
        raise UserError(f"{type(fresh).__name__} cannot make {counted(steps, 'step')}: {reason_of(error)}") from None
    return fresh


def times_from(scheduler: Any, strength: float, steps: int) -> torch.Tensor:
    """The scheduler's times from `strength` down, as in `StableDiffusionImg2ImgPipeline.get_timesteps`."""
    begin = (steps - int(steps * strength)) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    times: torch.Tensor = scheduler.timesteps[begin:]
    return times


def step_arguments(scheduler: Any, generators: Sequence[torch.Generator], eta: float) -> dict[str, Any]:
    """Those of η and the rows' generators that this scheduler's `step` accepts besides prediction, time and sample."""
    accepted = inspect.signature(scheduler.step).parameters
    arguments = {"eta": eta, "generator": list(generators)}
    return {name: value for name, value in arguments.items() if name in accepted}
