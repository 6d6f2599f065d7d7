"""Train mini_sd's denoiser and decoder together to draw details as sharp as those of the renders.

python -m methods.mini_sd.train_details training/corpus methods/mini_sd/weights training/details
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from torch import Tensor

from datasets.scripts import run_script
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.discriminator import Discriminator
from methods.mini_sd.muon import optimizers
from methods.mini_sd.perceptual import PerceptualFeatures, perceptual_distance
from methods.mini_sd.redrawing import Redrawing, together
from methods.mini_sd.sampling import open_pipeline
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.train_autoencoder import psnr
from methods.mini_sd.train_denoiser import (
    CAPTION_DROPOUT,
    VALIDATION_SIZE,
    add_noise,
    captioned_latents,
    denoising_loss,
    predicted_velocities,
    save_pipeline,
    training_times,
    validation_set,
)
from methods.mini_sd.training import generator_of, mixed_precision, pixels_of, speed_up, train

PIXEL_WEIGHT = 20.0
"""Weight of the squared error of pictures that were only encoded and decoded."""
MOST_STEPS_BEFORE = 3
"""Most sampler steps before a picture is redrawn, so that the denoiser also learns to correct its own steps."""
REALISM_WEIGHT = 0.03
"""Gives the discriminator about as much influence as the distance, judging by the gradients at the pixels."""


def main(
    corpus: Path,
    weights: Path,
    out: Path,
    steps: Annotated[int, typer.Option(help="optimiser steps")] = 1000,
    decay_share: Annotated[
        float, typer.Option(help="share of the steps, at the end, over which the learning rate falls to zero")
    ] = 0.5,
    encoded: Annotated[int, typer.Option(help="pictures per step that are only encoded and decoded")] = 16,
    redrawn: Annotated[int, typer.Option(help="pictures per step that are noised and redrawn as in sampling")] = 32,
    denoised: Annotated[
        int, typer.Option(help="pictures per step for the denoiser's own loss, at all times of the schedule")
    ] = 64,
    decoder_rate: Annotated[
        float, typer.Option(help="learning rate of Muon for the decoder; AdamW's is a tenth of it")
    ] = 0.004,
    denoiser_rate: Annotated[
        float, typer.Option(help="learning rate of Muon for the denoiser; AdamW's is a twentieth of it")
    ] = 0.005,
    seed: int = 0,
) -> None:
    """Train the denoiser and decoder of WEIGHTS on CORPUS, or resume from OUT, and write OUT/weights.

    With a squared error, the denoiser predicts the mean of all details that a picture may have, which is a blur, and
    the decoder never saw such blur in its own training. Here both are trained to match the original picture in a
    network's features, and to look like renders to a discriminator on those features: an outline that is a pixel off
    should still be an outline. Pictures are redrawn as in sampling: with guidance, and some after a few sampler steps.
    """
    torch.manual_seed(seed)
    images, scenes = load_corpus(corpus)
    pipeline, tokenizer = open_pipeline(weights), build_tokenizer()
    vae, unet, text_encoder = pipeline.vae, pipeline.unet, pipeline.text_encoder.requires_grad_(False)
    pictures = captioned_latents(vae, images, scenes, tokenizer, out / "latents.pt")
    decoder, features = vae.decoder, PerceptualFeatures().to(vae.device)
    discriminator = Discriminator(features.channels).to(vae.device)
    averages = decoder_average, unet_average = copy.deepcopy(decoder), copy.deepcopy(unet)
    speed_up(unet)

    def loss_of_step(step: int) -> Tensor:
        draw = generator_of(seed, step)
        chosen = torch.randint(len(images) - VALIDATION_SIZE, (encoded + redrawn + denoised,), generator=draw)
        kept, early, others = chosen.split([encoded, redrawn, denoised])
        redrawing = Redrawing.begin(pictures, early, draw)
        for _ in range(step % (MOST_STEPS_BEFORE + 1)):
            redrawing = redrawing.after_a_step(unet, text_encoder, draw)
        noised = add_noise(pictures, others, training_times(denoised, draw), draw, CAPTION_DROPOUT)
        velocities = predicted_velocities(unet, text_encoder, together([*redrawing.both_halves, noised]))
        estimates = redrawing.clean(velocities[: 2 * redrawn]) / pictures.scaling_factor
        latents = torch.cat([pictures.means[kept].float().to(vae.device), estimates])
        truth = pixels_of(images[chosen[: encoded + redrawn].numpy()]).to(vae.device)
        drawn = decoded(vae, latents)
        with mixed_precision(vae.device):
            with torch.no_grad():
                rendered = features(truth)
            found = features(drawn)
            told_apart = discriminator.hinge_loss(rendered, found)
            realism = discriminator.realism(found)
        distance = perceptual_distance(found, rendered).mean()
        pixels = (drawn[:encoded] - truth[:encoded]).square().mean()
        error = (velocities[2 * redrawn :] - noised.velocities.to(velocities.device)).square().mean()
        return distance - REALISM_WEIGHT * realism + PIXEL_WEIGHT * pixels + error + told_apart

    @torch.inference_mode()
    def report() -> str:
        trained, vae.decoder = vae.decoder, decoder_average
        draw, last = generator_of(seed, 2**40), torch.arange(len(images) - VALIDATION_SIZE, len(images))
        truth, redrawing = pixels_of(images[-VALIDATION_SIZE:]).to(vae.device), Redrawing.begin(pictures, last, draw)
        codec, distances = psnr(vae, truth), []
        for _ in range(2):
            velocities = predicted_velocities(unet_average, text_encoder, together(redrawing.both_halves))
            drawn = decoded(vae, redrawing.clean(velocities) / pictures.scaling_factor)
            distances.append(f"{perceptual_distance(features(drawn), features(truth)).mean():.4f}")
            redrawing = redrawing.after_a_step(unet_average, text_encoder, draw)
        loss = denoising_loss(unet_average, text_encoder, validation_set(pictures, seed))
        vae.decoder = trained
        far = " and a step later ".join(distances)
        return f"validation: codec {codec:.2f} dB, distance of redrawn {far}, denoiser {loss:.4f}"

    print("before:", report(), flush=True)
    steppers = [
        *optimizers([decoder], decoder_rate, decoder_rate / 10),
        *optimizers([unet], denoiser_rate, denoiser_rate / 20),
        torch.optim.Adam(discriminator.parameters(), 2e-3, betas=(0.0, 0.99)),
    ]
    trained = [decoder, unet, discriminator]
    train(out, trained, steppers, loss_of_step, steps, report, averages, decay_share, save_every=100)
    vae.decoder = decoder_average
    save_pipeline(vae, unet_average, text_encoder, tokenizer, out / "weights")


def decoded(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Decode unscaled latents to pixels, float32 (N, 3, 64, 64), roughly in [-1, 1]."""
    with mixed_precision(vae.device):
        pixels: Tensor = vae.decoder(vae.post_quant_conv(latents))
    return pixels.float()


if __name__ == "__main__":
    run_script(main)
