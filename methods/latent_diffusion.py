"""Stable Diffusion's parts, opened from a checkpoint folder, and the few operations that they are used for."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from datasets.errors import UserError
from methods.checkpoint import weight_variant
from methods.word_embedding import PromptEncoder


@dataclass(frozen=True)
class Posterior:
    """The codec's distribution over one image's latents: mean and deviation, each (1, channels, height, width)."""

    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw latents (unscaled) with the CPU generator."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + self.std * noise.to(self.mean.device)


class LatentDiffusion:
    """A frozen Stable Diffusion model. The text encoder runs in float32, codec and UNet in `dtype`."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        """Open the checkpoint folder; raises `UserError` for one that diffusers cannot read."""
        pipeline = _open_pipeline(folder, dtype)
        self.device, self.dtype = device, dtype
        self.unet = pipeline.unet.to(device).requires_grad_(False).eval()
        self.vae = pipeline.vae.to(device).requires_grad_(False).eval()
        self.scheduler = pipeline.scheduler
        self.encoder = PromptEncoder(pipeline.tokenizer, pipeline.text_encoder.to(device))
        self.pixels_per_latent = int(pipeline.vae_scale_factor)

    @property
    def scaling(self) -> float:
        """What latents are multiplied by before the UNet sees them."""
        return float(self.vae.config.scaling_factor)

    @torch.no_grad()
    def posterior(self, image: Image.Image) -> Posterior:
        """The codec's posterior of one RGB image, whose sides must be multiples of `pixels_per_latent`."""
        pixels = torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0)
        batch = (2.0 * pixels - 1.0).permute(2, 0, 1)[None].to(self.device, self.dtype)
        distribution = self.vae.encode(batch).latent_dist
        return Posterior(distribution.mean, distribution.std)

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Images of a batch of scaled latents."""
        pixels = self.vae.decode(latents / self.scaling, return_dict=False)[0]
        values = (pixels * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()
        return [Image.fromarray(array) for array in (values * 255).round().astype("uint8")]

    def fresh_scheduler(self, steps: int) -> Any:
        """A copy of the checkpoint's scheduler, set to `steps`; it holds a history, so each batch has its own."""
        scheduler = copy.deepcopy(self.scheduler)
        scheduler.set_timesteps(steps, device=self.device)
        return scheduler


def scheduler_arguments(scheduler: Any, generators: Sequence[torch.Generator]) -> dict[str, Any]:
    """What `step` of this scheduler takes beside prediction, time and sample: η = 0, and the rows' generators."""
    accepted = inspect.signature(scheduler.step).parameters
    arguments = {"eta": 0.0, "generator": list(generators)}
    return {name: value for name, value in arguments.items() if name in accepted}


def _open_pipeline(folder: Path, dtype: torch.dtype) -> Any:
    """diffusers' own pipeline, whose constructor also mends old scheduler configurations."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    try:
        return diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(
            folder,
            dtype={"text_encoder": torch.float32, "default": dtype},
            variant=weight_variant(folder),
            use_safetensors=True,
            low_cpu_mem_usage=False,
            local_files_only=True,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    except Exception as error:  # a broken file raises whatever its reader raises
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"checkpoint folder {folder} cannot be opened: {reason}; copy the checkpoint again") from error
