"""Counts the operations of networks on tensors without memory, so that all machines give the same figures."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from evaluation.frozen import Network
from methods.latent_diffusion import LatentDiffusion


def operations(module: nn.Module, *inputs: Tensor) -> float:
    """Operations of one call of a module on inputs of any device; a product and its addition count as two."""
    tensors = {name: tensor.to("meta") for name, tensor in chain(module.named_parameters(), module.named_buffers())}
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        functional_call(module, tensors, tuple(tensor.to("meta") for tensor in inputs))
    return float(counter.get_total_flops())


def network_operations(network: Network, image_size: int) -> float:
    """Operations for one image of `image_size` × `image_size` pixels through a backbone."""
    return operations(network.module, torch.empty(1, 3, image_size, image_size))


def unet_operations(model: LatentDiffusion, resolution: int) -> float:
    """Operations of one evaluation of the UNet for one image of `resolution` × `resolution` pixels."""
    return operations(model.unet, _latents(model, resolution), torch.ones(1), _context(model))


def guided_operations(model: LatentDiffusion, resolution: int) -> float:
    """Operations of both halves of guidance for one image."""
    latents, context = _latents(model, resolution).repeat(2, 1, 1, 1), _context(model).repeat(2, 1, 1)
    return operations(model.guided_unet, latents, torch.ones(2), context)


def encoder_operations(model: LatentDiffusion, resolution: int) -> float:
    """Operations of encoding one image by the codec."""
    return operations(model.vae.encoder, _empty(model, 3, resolution, resolution))


def decoder_operations(model: LatentDiffusion, resolution: int) -> float:
    """Operations of decoding one image's latents by the codec."""
    return operations(model.vae.decoder, _latents(model, resolution))


def _context(model: LatentDiffusion) -> Tensor:
    states = torch.zeros(1, model.encoder.tokenizer.model_max_length, model.encoder.width, dtype=model.dtype)
    context: Tensor = model.project_text(states.to(model.device))
    return context


def _latents(model: LatentDiffusion, resolution: int) -> Tensor:
    side = resolution // model.pixels_per_latent
    return _empty(model, model.unet.config.in_channels, side, side)


def _empty(model: LatentDiffusion, *shape: int) -> Tensor:
    return torch.empty(1, *shape, dtype=model.dtype, device="meta")
