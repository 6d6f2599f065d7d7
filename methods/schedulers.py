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
"""Those that can draw fresh noise at each step, by a share η."""


FOR_LATENTS: Mapping[str, Mapping[str, Any]] = {"ddim": {"clip_sample": False}, "pndm": {"skip_prk_steps": True}}
"""What Stable Diffusion's own configurations say, where a class's defaults are for other models: latents exceed
[-1, 1], and a schedule that begins with Runge–Kutta steps cannot be begun midway."""


def scheduler_named(name: str, own: Any) -> Any:
    """The sampler of a name in `SCHEDULERS`, on the noise schedule of the checkpoint's own."""
    if name == "checkpoint":
        return own
    import diffusers

    return getattr(diffusers, SCHEDULERS[name]).from_config(own.config, **FOR_LATENTS.get(name, {}))


def fresh_scheduler(scheduler: Any, steps: int) -> Any:
    """A copy set to `steps`: a sampler holds a history, so each batch has its own.

    Its times lie on the CPU, where looking one up keeps no GPU waiting. Raises `UserError` where it has not so many.
    """
    fresh = copy.deepcopy(scheduler)
    try:
        fresh.set_timesteps(steps)
    except ValueError as error:
        raise UserError(f"{type(fresh).__name__} cannot make {counted(steps, 'step')}: {reason_of(error)}") from None
    return fresh


def times_from(scheduler: Any, strength: float, steps: int) -> torch.Tensor:
    """The scheduler's times from `strength` down, as `StableDiffusionImg2ImgPipeline.get_timesteps` cuts them."""
    begin = (steps - int(steps * strength)) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    times: torch.Tensor = scheduler.timesteps[begin:]
    return times


def step_arguments(scheduler: Any, generators: Sequence[torch.Generator], eta: float) -> dict[str, Any]:
    """What `step` of this scheduler takes beside prediction, time and sample: η, and the rows' generators."""
    accepted = inspect.signature(scheduler.step).parameters
    arguments = {"eta": eta, "generator": list(generators)}
    return {name: value for name, value in arguments.items() if name in accepted}
