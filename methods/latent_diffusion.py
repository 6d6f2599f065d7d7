"""Opens Stable Diffusion's parts from a checkpoint folder and offers the few operations that the suite needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from datasets.errors import UserError
from evaluation.device import dtype_name, fetched_later, sent, takes_bfloat16, torch_threads
from evaluation.memory import Shortage, attempt, does_not_fit, loading
from methods.compiled import CompiledNetwork, announce_compiling
from methods.cross_attention import take_out_text_projections
from methods.group_norm import normalise_in_channels_last
from methods.guided_unet import guided_unet
from methods.pipeline import open_pipeline
from methods.schedulers import scheduler_named
from methods.word_embedding import PromptEncoder

_PIXELS_DECODED_AT_ONCE = 8 * 512 * 512
"""Limited because decoding needs more memory per image than denoising, and gains nothing from larger batches."""

_CodecWork = Callable[[Any, Tensor], tuple[Tensor, ...]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Posterior:
    """The codec's distribution over the latents of images: mean and standard deviation, float32 (N, channels, h, w)."""

    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw latents (unscaled) with the CPU generator."""
        noise = torch.randn(self.mean.shape, generator=generator)
        return self.mean + self.std * sent(noise, self.mean.device)


class LatentDiffusion:
    """A frozen Stable Diffusion model. The text encoder runs in float32, codec and UNet in `dtype`.

    If the codec overflows half precision on an image, it codes that image alone again in float32, so that an image does
    not depend on the images before or beside it.

    predict: the UNet, compiled if asked for.
    project_text: turns the text encoder's states into what `predict` takes as `encoder_hidden_states`.
    """

    def __init__(
        self,
        folder: Path,
        device: torch.device,
        dtype: torch.dtype,
        scheduler: str = "checkpoint",
        compiled: bool = False,
    ) -> None:
        """Open the checkpoint folder; raises `UserError` if diffusers cannot read it or the GPU cannot hold it."""
        pipeline = open_pipeline(folder, dtype)
        self.device, self.dtype = device, dtype
        models = (pipeline.unet, pipeline.vae, pipeline.text_encoder)
        self.project_text: nn.Module = nn.Identity()
        self._guided_unet: nn.Module | None = None
        with loading(f"checkpoint {folder}", sum(map(_gigabytes, models))):
            self.unet, self.vae, text_encoder = (_frozen(model).to(device) for model in models)
            if _is_gpu(device):
                self.unet.to(memory_format=torch.channels_last)
                self.vae.to(memory_format=torch.channels_last)
                self.project_text = take_out_text_projections(self.unet)
                self._guided_unet = guided_unet(self.unet)
                if compiled:  # uncompiled, these would only call PyTorch's own layers
                    for network in (self._guided_unet, self.vae):
                        normalise_in_channels_last(network)
        if compiled:
            announce_compiling()
        called: Callable[[nn.Module], Callable[..., Any]] = CompiledNetwork if compiled else lambda module: module
        self.predict, self._encoder, self._decoder = map(called, (self.unet, self.vae.encoder, self.vae.decoder))
        self._predict_guided = called(self._guided_unet) if self._guided_unet else None
        self.scheduler = scheduler_named(scheduler, pipeline.scheduler)
        self.encoder = PromptEncoder(pipeline.tokenizer, text_encoder)
        self.pixels_per_latent = int(pipeline.vae_scale_factor)
        self._codec_in_float32: Any = None
        self._lock = Lock()

    @property
    def scaling(self) -> float:
        """The factor that latents are multiplied by before the UNet sees them."""
        return float(self.vae.config.scaling_factor)

    @property
    def guided_unet(self) -> Any:
        """The UNet that `predict_guided` calls."""
        return self._guided_unet or self.unet

    def predict_guided(self, latents: Tensor, time: Tensor, **states: Any) -> Any:
        """`predict` for a batch whose second half has the same latents and times as the first."""
        return (self._predict_guided or self.predict)(latents, time, **states)

    @property
    def guidance_dimension(self) -> int:
        """Length of the guidance scale's embedding in a checkpoint distilled with guidance; 0 in all others."""
        return int(self.unet.config.time_cond_proj_dim or 0)

    @torch.no_grad()
    def posterior(self, image: Image.Image) -> Posterior:
        """The codec's posterior of one RGB image, whose sides must be multiples of `pixels_per_latent`."""
        pixels = torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0)
        batch = (2.0 * pixels - 1.0).permute(2, 0, 1)[None].to(self.device)
        with torch_threads(1) if self.device.type == "cpu" else nullcontext():  # learned words amplify rounding
            moments = tuple(moment.float() for moment in _moments_by(self._encoder, self.vae, batch))
            return Posterior(*(moments if _are_numbers(*moments) else self._in_float32(_moments, batch)))

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Callable[[], list[Image.Image]]:
        """Begin to decode a batch of scaled latents; returns a function that any thread may call to get the images.

        Only that call waits for a GPU. It raises `UserError` if latents or images are not finite.
        """
        at_once = max(1, _PIXELS_DECODED_AT_ONCE // (latents.shape[-1] * latents.shape[-2] * self.pixels_per_latent**2))
        unscaled = latents / self.scaling
        parts = [self._decoded(part) for part in unscaled.split(at_once)]
        colours, whole = (torch.cat(each) for each in zip(*parts, strict=True))
        return partial(self._images, unscaled, fetched_later(colours, whole, _finite_rows(latents)))

    def _decoded(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Colours as bytes, (N, height, width, 3), and which of the images are finite, (N,)."""
        pixels = self._decoder(self.vae.post_quant_conv(latents.to(self.dtype))).float()
        # Rounded on the device, so that only a quarter as many bytes are fetched.
        return _colours(pixels), _finite_rows(pixels)

    @torch.inference_mode()
    def _images(self, latents: Tensor, fetch: Callable[[], Sequence[Tensor]]) -> list[Image.Image]:
        colours, whole, sound = (tensor.numpy() for tensor in fetch())
        if not sound.all():
            raise _no_numbers("the latents of an image", "the UNet", self.dtype, self.device)
        for row in np.flatnonzero(~whole):
            again = attempt(partial(self._in_float32, _pixels, latents[row : row + 1]))
            if isinstance(again, Shortage):
                # Another batch is being made meanwhile; a smaller one leaves more memory.
                raise does_not_fit(again, "images in float32", "generator.batch_size or generator.resolution")
            colours[row] = _colours(*again)[0].cpu().numpy()
        return [Image.fromarray(array) for array in colours]

    def _in_float32(self, work: _CodecWork, inputs: Tensor) -> tuple[Tensor, ...]:
        """Redo the codec's work in float32 for one image on which it overflowed half precision."""
        if self.dtype == torch.float32:
            raise _no_numbers("the codec's results", "the codec", self.dtype, self.device)
        results = work(self._wider_codec(), inputs)
        if not _are_numbers(*results):
            raise _no_numbers("the codec's results", "the codec", torch.float32, self.device)
        return results

    def _wider_codec(self) -> Any:
        """A float32 copy of the codec, made once, by the thread that asks first."""
        with self._lock, torch.inference_mode(False):
            if self._codec_in_float32 is None:
                logger.warning(
                    "the codec overflows in %s: images for which it does are computed in float32",
                    dtype_name(self.dtype),
                )
                self._codec_in_float32 = deepcopy(self.vae).float()
        return self._codec_in_float32


def _is_gpu(device: torch.device) -> bool:
    return device.type == "cuda"


def _finite_rows(batch: Tensor) -> Tensor:
    """Which rows hold only finite numbers, (N,)."""
    return batch.isfinite().flatten(1).all(dim=1)


def _are_numbers(*results: Tensor) -> bool:
    return all(bool(result.isfinite().all()) for result in results)


def _colours(pixels: Tensor) -> Tensor:
    """Convert pixels (N, 3, height, width) from -1 to 1 into bytes (N, height, width, 3)."""
    return ((pixels * 0.5 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1)


def _no_numbers(what: str, network: str, dtype: torch.dtype, device: torch.device) -> UserError:
    if dtype == torch.float32:
        return UserError(f"{what} are not finite numbers even in float32: the weights of {network} are damaged")
    wider = "bfloat16 or float32" if dtype == torch.float16 and takes_bfloat16(device) else "float32"
    return UserError(
        f"{what} are not finite numbers: {network} overflows in {dtype_name(dtype)}; set generator.dtype={wider}"
    )


def _frozen(model: nn.Module) -> Any:
    return model.requires_grad_(False).eval()


def _gigabytes(model: nn.Module) -> float:
    return sum(parameter.nbytes for parameter in model.parameters()) / 1e9


def _moments(vae: Any, pixels: Tensor) -> tuple[Tensor, ...]:
    return _moments_by(vae.encoder, vae, pixels)


def _moments_by(encoder: Callable[..., Any], vae: Any, pixels: Tensor) -> tuple[Tensor, ...]:
    """Mean and deviation of the codec's distribution over latents; `encoder` is its own or the compiled one."""
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    distribution = DiagonalGaussianDistribution(vae.quant_conv(encoder(pixels.to(vae.dtype))))
    return distribution.mean, distribution.std


def _pixels(vae: Any, latents: Tensor) -> tuple[Tensor, ...]:
    return (vae.decode(latents.to(vae.dtype), return_dict=False)[0],)
