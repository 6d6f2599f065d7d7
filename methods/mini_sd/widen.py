"""Widen a codec of mini_sd to the current architecture: more channels, the same function.

python -m methods.mini_sd.widen methods/mini_sd/weights training/wider
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from torch import Tensor

from datasets.scripts import run_script
from methods.mini_sd.architecture import build_autoencoder
from methods.mini_sd.sampling import open_pipeline
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.train_denoiser import save_pipeline
from methods.mini_sd.training import generator_of


def main(
    weights: Path,
    out: Path,
    seed: Annotated[int, typer.Option(help="seed of the shares that twin channels take")] = 0,
) -> None:
    """Read the diffusers folder WEIGHTS and write OUT, whose codec computes the same but has more channels.

    A wider decoder then need not be trained from scratch, and the latents stay those that the denoiser knows.
    """
    pipeline = open_pipeline(weights)
    vae = widened(pipeline.vae, build_autoencoder(), seed)
    vae.register_to_config(scaling_factor=pipeline.vae.config.scaling_factor)
    save_pipeline(vae, pipeline.unet, pipeline.text_encoder, build_tokenizer(), out)


def widened(codec: AutoencoderKL, wider: AutoencoderKL, seed: int) -> AutoencoderKL:
    """`wider`, computing the same as `codec`: each channel is repeated to fill the width (Net2WiderNet, Chen 2016).

    Copies are adjacent, so each GroupNorm group has the same values as before, all equally often. The weights that read
    the copies sum to the original weight, but they differ, so that training moves the copies apart.
    """
    draw, narrow = generator_of(seed), codec.state_dict()
    wider.load_state_dict(
        {name: _widened(narrow[name], tensor.shape, draw) for name, tensor in wider.state_dict().items()}
    )
    return wider


def _widened(weights: Tensor, shape: torch.Size, draw: torch.Generator) -> Tensor:
    """A bias, norm, matrix or convolution (out, in, …), with its rows and columns repeated to fit `shape`."""
    twins = shape[0] // len(weights)
    weights = weights.repeat_interleave(twins, dim=0)
    if weights.ndim == 1 or shape[1] == weights.shape[1]:
        return weights
    twins = shape[1] // weights.shape[1]
    shares = torch.rand(shape[0], weights.shape[1], twins, generator=draw) + 0.5
    shares = (shares / shares.sum(2, keepdim=True)).flatten(1).to(weights.device)
    return weights.repeat_interleave(twins, dim=1) * shares.view(*shares.shape, *[1] * (weights.ndim - 2))


if __name__ == "__main__":
    run_script(main)
