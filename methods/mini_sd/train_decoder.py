"""Teach the codec's decoder to draw crisply what the denoiser leaves vague.

python -m methods.mini_sd.train_decoder training/corpus methods/mini_sd/weights training/decoder
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import StableDiffusionPipeline
from rich.progress import track
from torch import Tensor

from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.muon import optimizers
from methods.mini_sd.perceptual import PerceptualDistance
from methods.mini_sd.sampling import BATCH_SIZE, ETA, Pictures, image_to_image, open_pipeline
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.train_autoencoder import VALIDATION_SIZE, psnr
from methods.mini_sd.train_denoiser import save_pipeline
from methods.mini_sd.training import generator_of, mixed_precision, pixels_of, train

SCHEDULE_STEPS = 25
STRENGTHS = (0.08, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.36, 0.4)
"""Each a step of the schedule apart. Up to here a redrawn picture is still the one that it was: beyond, shapes move."""
GUIDANCE_SCALE = 3.0


def main(
    corpus: Path,
    weights: Path,
    out: Path,
    pictures: Annotated[int, typer.Option(help="pictures that the denoiser redraws, to learn from")] = 10_000,
    steps: Annotated[int, typer.Option(help="optimiser steps")] = 600,
    decay_share: Annotated[float, typer.Option(help="share of the steps over which the rate falls to zero")] = 0.7,
    batch_size: Annotated[int, typer.Option(help="pictures a step; a third of them not redrawn")] = 48,
    learning_rate: Annotated[float, typer.Option(help="Muon's; AdamW's is a tenth of it")] = 0.005,
    pixel_weight: Annotated[float, typer.Option(help="of the squared error of pixels that were not redrawn")] = 20.0,
    seed: int = 0,
) -> None:
    """Train the decoder of WEIGHTS on CORPUS, resuming from OUT, and write OUT/weights; the other parts stay.

    The codec's training showed it the encoder's latents; what it has to draw are the denoiser's. Here it sees
    pictures that were noised and denoised a little, and is held to what they were by a network's features: an outline
    that is a pixel off shall be an outline, where a squared error asks for a blur.
    """
    torch.manual_seed(seed)
    images, scenes = load_corpus(corpus)
    pipeline = open_pipeline(weights)
    captions = [scene["caption"] for scene in scenes[:pictures]]
    clean, redrawn = redrawn_latents(pipeline, images[:pictures], captions, out / "latents.pt")
    vae, distance = pipeline.vae, PerceptualDistance().to(pipeline.device)
    decoder, average = vae.decoder, copy.deepcopy(vae.decoder)
    held_out = pixels_of(images[-VALIDATION_SIZE:])

    def loss_of_step(step: int) -> Tensor:
        draw = generator_of(seed, step)
        chosen = torch.randint(pictures, (batch_size,), generator=draw)
        kept = batch_size // 3
        latents = torch.cat([clean[chosen[:kept]], redrawn[chosen[kept:]]]).float()
        targets = pixels_of(images[chosen.numpy()])
        with mixed_precision(vae.device):
            drawn = decoder(vae.post_quant_conv(latents)).float()
            far = distance(drawn, targets).mean()
        return far + pixel_weight * (drawn[:kept] - targets[:kept]).square().mean()

    @torch.inference_mode()
    def report(step: int) -> str:
        trained, vae.decoder = vae.decoder, average
        shown, targets = vae.decode(redrawn[:VALIDATION_SIZE].float()).sample, pixels_of(images[:VALIDATION_SIZE])
        found = f"validation {psnr(vae, held_out):.2f} dB, distance of redrawn {distance(shown, targets).mean():.4f}"
        vae.decoder = trained
        return found

    print("before:", report(0), flush=True)
    steppers = optimizers([decoder], learning_rate, learning_rate / 10)
    train(out, [decoder], steppers, loss_of_step, steps, report, [average], decay_share, save_every=50)
    vae.decoder = average
    save_pipeline(vae, pipeline.unet, pipeline.text_encoder, build_tokenizer(), out / "weights")


def redrawn_latents(
    pipeline: StableDiffusionPipeline, images: Pictures, captions: Sequence[str], cache: Path
) -> Tensor:
    """Float16 latents of N pictures, (2, N, 16, 8, 8): as the encoder has them, as the denoiser redraws them.

    Each batch is redrawn under its own captions at one of `STRENGTHS`, in turn. Computed once.
    """
    if not cache.exists():
        parts = []
        for start in track(range(0, len(images), BATCH_SIZE), "redrawing"):
            rows = slice(start, start + BATCH_SIZE)
            strength = STRENGTHS[start // BATCH_SIZE % len(STRENGTHS)]
            parts.append(_redrawn(pipeline, pixels_of(images[rows]), captions[rows], strength, start).half())
        cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.cat(parts, dim=1), cache.with_suffix(".tmp"))
        cache.with_suffix(".tmp").replace(cache)
    latents: Tensor = torch.load(cache, weights_only=True)
    return latents


@torch.inference_mode()
def _redrawn(
    pipeline: StableDiffusionPipeline, pixels: Tensor, captions: Sequence[str], strength: float, seed: int
) -> Tensor:
    with mixed_precision(pipeline.device):
        kept = pipeline.vae.encode(pixels).latent_dist.mode()
        redrawn = image_to_image(pipeline)(
            list(captions),
            image=pixels / 2 + 0.5,
            strength=strength,
            num_inference_steps=SCHEDULE_STEPS,
            guidance_scale=GUIDANCE_SCALE,
            eta=ETA,
            generator=generator_of(seed),
            output_type="latent",
        ).images
    return torch.stack([kept, redrawn / pipeline.vae.config.scaling_factor])


if __name__ == "__main__":
    typer.run(main)
