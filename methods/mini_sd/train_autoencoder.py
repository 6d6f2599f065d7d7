"""Train mini_sd's AutoencoderKL on rendered pictures.

python -m methods.mini_sd.train_autoencoder training/corpus training/autoencoder
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from torch import Tensor

from datasets.folders import require_folder
from datasets.scripts import run_script
from evaluation.device import default_device
from methods.mini_sd.architecture import build_autoencoder
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.muon import optimizers
from methods.mini_sd.training import generator_of, mixed_precision, pixels_of, train

VALIDATION_SIZE = 256
KL_WEIGHT = 1e-6
"""Weight of the KL divergence, as in latent diffusion (Rombach et al. 2022): just enough to keep latents near 0."""


def main(
    corpus: Path,
    out: Path,
    steps: Annotated[int, typer.Option(help="optimiser steps")] = 5000,
    decay_share: Annotated[
        float, typer.Option(help="share of the steps, at the end, over which the learning rate falls to zero")
    ] = 0.3,
    batch_size: int = 64,
    learning_rate: Annotated[float, typer.Option(help="learning rate of Muon; AdamW's is a tenth of it")] = 0.02,
    seed: int = 0,
    start_from: Annotated[Path | None, typer.Option(help="diffusers folder of a codec to continue from")] = None,
) -> None:
    """Train the codec on CORPUS, or resume from OUT; the last pictures are held out for validation (PSNR)."""
    device = default_device()
    torch.manual_seed(seed)
    images, _ = load_corpus(corpus)
    if start_from:
        require_folder(start_from, "--start-from must name the folder of a codec")
    model = (AutoencoderKL.from_pretrained(start_from) if start_from else build_autoencoder()).to(device)
    held_out = pixels_of(images[-VALIDATION_SIZE:]).to(device)
    count = len(images) - VALIDATION_SIZE

    def loss_of_step(step: int) -> Tensor:
        draw = generator_of(seed, step)
        chosen = torch.randint(count, (batch_size,), generator=draw)
        return reconstruction_loss(model, pixels_of(images[chosen.numpy()]).to(device), draw)

    def report() -> str:
        return f"validation {psnr(model, held_out):.2f} dB"

    steppers = optimizers([model], learning_rate, learning_rate / 10)
    train(out, [model], steppers, loss_of_step, steps, report, decay_share=decay_share)
    model.save_pretrained(out / "vae")


def reconstruction_loss(model: AutoencoderKL, pixels: Tensor, draw: torch.Generator) -> Tensor:
    """Squared error of reconstructing randomly flipped pixels in [-1, 1], (N, 3, H, W), plus a tiny KL divergence."""
    flipped = torch.rand(len(pixels), 1, 1, 1, generator=draw) < 0.5
    pixels = torch.where(flipped.to(pixels.device), pixels.flip(3), pixels)
    with mixed_precision(pixels.device):
        posterior = model.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=draw).to(pixels.device)
        restored = model.decode(posterior.mean + posterior.std * noise).sample
    divergence = posterior.kl().mean() / pixels[0].numel()
    return (restored.float() - pixels).square().mean() + KL_WEIGHT * divergence


@torch.inference_mode()
def psnr(model: AutoencoderKL, pixels: Tensor) -> float:
    """Mean peak signal-to-noise ratio in dB of reconstructing pixels in [-1, 1] from the posterior's mode."""
    restored = torch.cat(
        [model.decode(model.encode(part).latent_dist.mode()).sample.clamp(-1, 1) for part in pixels.split(32)]
    )
    error = (restored - pixels).square().mean(dim=(1, 2, 3)) / 4
    return float((-10 * torch.log10(error)).mean())


if __name__ == "__main__":
    run_script(main)
