"""Stable Diffusion's parts, opened from a checkpoint folder, and the few operations that they are used for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from datasets.errors import UserError
from evaluation.memory import loading
from methods.checkpoint import weight_variant
from methods.compiled import CompiledNetwork
from methods.schedulers import scheduler_named
from methods.word_embedding import PromptEncoder

_PIXELS_DECODED_AT_ONCE = 8 * 512 * 512
"""Decoding needs more memory for each image than denoising does, and gains nothing from larger batches."""

logger = logging.getLogger(__name__)


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
    """A frozen Stable Diffusion model. The text encoder runs in float32, codec and UNet in `dtype`.

    predict: the UNet as it is called: compiled, if that was asked for.
    """

    def __init__(
        self,
        folder: Path,
        device: torch.device,
        dtype: torch.dtype,
        scheduler: str = "checkpoint",
        compiled: bool = False,
    ) -> None:
        """Open the checkpoint folder; raises `UserError` for one that diffusers cannot read or the GPU cannot hold."""
        pipeline = _open_pipeline(folder, dtype)
        self.device, self.dtype = device, dtype
        models = (pipeline.unet, pipeline.vae, pipeline.text_encoder)
        with loading(f"checkpoint {folder.name}", sum(map(_gigabytes, models))):
            self.unet, self.vae, text_encoder = (_frozen(model).to(device) for model in models)
        if device.type == "cuda":
            self.unet.to(memory_format=torch.channels_last)
            self.vae.to(memory_format=torch.channels_last)
        self.predict: Callable[..., Any] = CompiledNetwork(self.unet) if compiled else self.unet
        self.scheduler = scheduler_named(scheduler, pipeline.scheduler)
        self.encoder = PromptEncoder(pipeline.tokenizer, text_encoder)
        self.pixels_per_latent = int(pipeline.vae_scale_factor)

    @property
    def scaling(self) -> float:
        """What latents are multiplied by before the UNet sees them."""
        return float(self.vae.config.scaling_factor)

    @property
    def guidance_dimension(self) -> int:
        """Entries of the guidance scale's embedding in a checkpoint distilled with guidance; 0 in all others."""
        return int(self.unet.config.time_cond_proj_dim or 0)

    @torch.no_grad()
    def posterior(self, image: Image.Image) -> Posterior:
        """The codec's posterior of one RGB image, whose sides must be multiples of `pixels_per_latent`."""
        pixels = torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0)
        batch = (2.0 * pixels - 1.0).permute(2, 0, 1)[None].to(self.device)
        mean, std = self._in_range(partial(_moments, pixels=batch))
        return Posterior(mean.to(self.dtype), std.to(self.dtype))

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Images of a batch of scaled latents."""
        at_once = max(1, _PIXELS_DECODED_AT_ONCE // (latents.shape[-1] * latents.shape[-2] * self.pixels_per_latent**2))
        images = []
        for part in (latents / self.scaling).split(at_once):
            (pixels,) = self._in_range(partial(_pixels, latents=part))
            values = (pixels * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()
            images += [Image.fromarray(array) for array in (values * 255).round().astype("uint8")]
        return images

    def _in_range(self, work: Callable[[Any], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """The codec's work; in float32 from the first result on that overflows half precision."""
        results = work(self.vae)
        if self.vae.dtype != torch.float32 and not all(bool(result.isfinite().all()) for result in results):
            logger.warning("the codec overflows %s: it goes on in float32", str(self.vae.dtype).removeprefix("torch."))
            self.vae.float()
            results = work(self.vae)
        return results


def _frozen(model: nn.Module) -> Any:
    return model.requires_grad_(False).eval()


def _gigabytes(model: nn.Module) -> float:
    return sum(parameter.nbytes for parameter in model.parameters()) / 1e9


def _moments(vae: Any, pixels: Tensor) -> tuple[Tensor, ...]:
    distribution = vae.encode(pixels.to(vae.dtype)).latent_dist
    return distribution.mean, distribution.std


def _pixels(vae: Any, latents: Tensor) -> tuple[Tensor, ...]:
    return (vae.decode(latents.to(vae.dtype), return_dict=False)[0],)


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
