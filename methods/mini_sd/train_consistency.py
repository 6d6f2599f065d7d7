"""Distil mini_sd into a latent consistency model (Luo et al. 2023), which needs few steps, with one pass in each.

python -m methods.mini_sd.train_consistency training/corpus methods/mini_sd/weights training/consistency

`--set generator.checkpoint=training/consistency/weights --set generator.scheduler=lcm` uses it.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import LCMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from datasets.scripts import run_script
from methods.guidance import guidance_embedding
from methods.mini_sd.architecture import TIMESTEPS
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.redrawing import Redrawing, clean_estimates, stepped, together
from methods.mini_sd.sampling import open_pipeline
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.train_denoiser import (
    VALIDATION_SIZE,
    Noised,
    add_noise,
    captioned_latents,
    predicted_velocities,
    save_pipeline,
)
from methods.mini_sd.training import generator_of, speed_up, train

GUIDANCE_SCALES = (1.0, 5.0)
"""Range of the guidance scales on which the student is conditioned."""
SOLVER_STEPS = 50
"""Steps into which the schedule is divided; the teacher takes one of them (the paper's k = 20)."""
EMBEDDING_WIDTH = 64
"""Width of the guidance scale's embedding."""
TARGET_DECAY = 0.95
"""Decay of the average of past students with which the student must be consistent. With itself as the target, trained
by Muon at learning rates of 0.003 and 0.0004, the student drew noise after 1,000 and 600 steps."""
HUBER = 1e-3
"""Error below which the pseudo-Huber loss is quadratic."""


def main(
    corpus: Path,
    weights: Path,
    out: Path,
    steps: Annotated[int, typer.Option(help="optimiser steps")] = 600,
    batch_size: int = 64,
    rate: Annotated[float, typer.Option(help="learning rate of AdamW")] = 1e-4,
    seed: int = 0,
) -> None:
    """Distil the UNet of WEIGHTS into a consistency model on CORPUS, or resume from OUT, and write OUT/weights."""
    torch.manual_seed(seed)
    images, scenes = load_corpus(corpus)
    pipeline, tokenizer = open_pipeline(weights), build_tokenizer()
    teacher, text_encoder = pipeline.unet.requires_grad_(False), pipeline.text_encoder.requires_grad_(False)
    pictures = captioned_latents(pipeline.vae, images, scenes, tokenizer, out / "latents.pt")
    student = told_its_guidance(teacher)
    average, target = copy.deepcopy(student), copy.deepcopy(student)
    for unet in (teacher, student, target):
        speed_up(unet)

    def loss_of_step(step: int) -> Tensor:
        with torch.no_grad():
            torch._foreach_lerp_(list(target.parameters()), list(student.parameters()), 1 - TARGET_DECAY)
        draw = generator_of(seed, step)
        chosen = torch.randint(len(images) - VALIDATION_SIZE, (batch_size,), generator=draw)
        return loss_on(student, chosen, draw)

    def loss_on(unet: UNet2DConditionModel, chosen: Tensor, draw: torch.Generator) -> Tensor:
        times = (TIMESTEPS // SOLVER_STEPS) * torch.randint(1, SOLVER_STEPS + 1, (len(chosen),), generator=draw) - 1
        lowest, highest = GUIDANCE_SCALES
        scales = lowest + (highest - lowest) * torch.rand(len(chosen), generator=draw)
        now = add_noise(pictures, chosen, times, draw, 0.0)
        drawing = Redrawing(now, pictures.empty, scales)
        with torch.no_grad():
            velocities = drawing.guided(predicted_velocities(teacher, text_encoder, together(drawing.both_halves)))
            before = (times - TIMESTEPS // SOLVER_STEPS).clamp(min=0)
            latents = stepped(now, velocities, before, torch.zeros_like(velocities), eta=0.0)
            earlier = replace(now, latents=latents.to(now.latents.device), times=before)
            aim = consistent(target, text_encoder, earlier, scales)
        error = consistent(unet, text_encoder, now, scales) - aim
        return ((error.square() + HUBER**2).sqrt() - HUBER).mean()

    @torch.inference_mode()
    def report() -> str:
        last = torch.arange(len(images) - VALIDATION_SIZE, len(images))
        return f"validation {loss_on(average, last, generator_of(seed, 2**40)).item():.4f}"

    adam = torch.optim.AdamW(student.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.0)
    averages = [average, target]  # `target` is only saved here: it follows faster, in loss_of_step
    train(out, [student], [adam], loss_of_step, steps, report, averages, decay_share=0.5, save_every=100)
    save_pipeline(pipeline.vae, average, text_encoder, tokenizer, out / "weights")


def told_its_guidance(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """A copy that takes the guidance scale's embedding as `timestep_cond`, with no effect before training."""
    student = UNet2DConditionModel.from_config(unet.config, time_cond_proj_dim=EMBEDDING_WIDTH)
    missing, _ = student.load_state_dict(unet.state_dict(), strict=False)
    for name in missing:
        torch.nn.init.zeros_(student.get_parameter(name))
    told: UNet2DConditionModel = student.to(unet.device)
    return told


def consistent(unet: UNet2DConditionModel, text_encoder: CLIPTextModel, noised: Noised, scales: Tensor) -> Tensor:
    """The student's clean latents, (N, 16, 8, 8); at time 0 these are its input (Luo et al. 2023, eq. 9)."""
    told = guidance_embedding(scales, EMBEDDING_WIDTH).to(unet.device)
    velocities = predicted_velocities(unet, text_encoder, noised, timestep_cond=told)
    scheduler = LCMScheduler()
    parts = [scheduler.get_scalings_for_boundary_condition_discrete(time) for time in noised.times.tolist()]
    skip, out = (torch.tensor(each).view(-1, 1, 1, 1).to(velocities) for each in zip(*parts, strict=True))
    return skip * noised.latents.to(velocities) + out * clean_estimates(noised, velocities)


if __name__ == "__main__":
    run_script(main)
