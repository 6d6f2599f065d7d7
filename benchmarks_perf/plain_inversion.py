"""Textual inversion as in the published code, which follows diffusers' example: one class after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss

from benchmarks_perf.photos import OpenedAgain
from benchmarks_perf.plain_pipeline import open_plain_pipeline
from evaluation.arrays import Singles
from evaluation.device import default_device
from methods.inversion_samples import TEMPLATES
from methods.settings import TextualInversionSettings

TOKEN = "<new>"

Images = Sequence[Image.Image] | OpenedAgain


class PlainInversion:
    """A checkpoint with one added token, whose row of the token matrix is learned.

    The whole matrix has gradients and optimiser state, and all other rows are restored after each step. Each step
    opens, resizes and encodes its images anew while nothing else runs, as with a data loader without workers. The
    UNet's activations are computed twice, as with `--gradient_checkpointing` in the published README's command, and
    each step's loss is read. The text encoder is in float32, the UNet and the codec in `dtype`.
    """

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        self._pipeline = pipeline = open_plain_pipeline(folder, dtype, torch.float32)
        self._dtype, self._device = dtype, default_device()
        pipeline.tokenizer.add_tokens([TOKEN])
        pipeline.text_encoder.resize_token_embeddings(len(pipeline.tokenizer))
        for model in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
            model.requires_grad_(False)
        pipeline.unet.enable_gradient_checkpointing()
        self._table: Tensor = pipeline.text_encoder.get_input_embeddings().weight.requires_grad_(True)

    def learn(self, images: Images, settings: TextualInversionSettings, resolution: int, seed: int) -> Singles:
        """The word of one class, float32 (width,), learned from the draws that `ClassSampler` makes with this seed."""
        from diffusers import DDPMScheduler

        self._begin_at(settings.initial_word)
        schedule = DDPMScheduler.from_config(self._pipeline.scheduler.config)
        frozen = self._table.detach().clone()
        optimizer = torch.optim.AdamW([self._table], lr=settings.learning_rate, weight_decay=settings.weight_decay)
        scaler = torch.amp.GradScaler(self._device.type, enabled=self._dtype == torch.float16)
        draws = torch.Generator().manual_seed(seed)
        for _ in range(settings.steps):
            loss = self._loss(images, resolution, settings.batch_size, schedule, draws)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            others = torch.arange(len(frozen)) != len(frozen) - 1
            with torch.no_grad():
                self._table[others] = frozen[others]
            loss.item()  # as for the published loop's progress bar: waits for the device
        # A copy, because the next class is learned in the same row.
        word: Singles = self._table[-1].detach().clone().cpu().numpy()
        return word

    def _begin_at(self, word: str) -> None:
        tokens = self._pipeline.tokenizer(word, add_special_tokens=False).input_ids
        with torch.no_grad():
            self._table[-1] = self._table[tokens].mean(dim=0)

    def _loss(self, images: Images, resolution: int, batch: int, schedule: Any, draws: torch.Generator) -> Tensor:
        """The loss of one step on samples drawn from the images and their mirror images."""
        bounds = (2 * len(images), len(TEMPLATES), schedule.config.num_train_timesteps)
        views, templates, times = (torch.randint(bound, (batch,), generator=draws) for bound in bounds)
        seen = torch.stack([_view(images, number, resolution) for number in views.tolist()])
        latents, noise = self._latents_and_noise(seen.to(self._device, self._dtype), draws)
        times = times.to(self._device)
        noisy = schedule.add_noise(latents, noise, times)
        states = self._states([TEMPLATES[template] for template in templates.tolist()])
        prediction = self._pipeline.unet(noisy, times, states).sample
        epsilon = schedule.config.prediction_type == "epsilon"
        target = noise if epsilon else schedule.get_velocity(latents, noise, times)
        return mse_loss(prediction.float(), target.float())

    def _latents_and_noise(self, pixels: Tensor, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        vae = self._pipeline.vae
        with torch.no_grad():
            posterior = vae.encode(pixels).latent_dist
            codec, noise = (torch.randn(posterior.mean.shape, generator=draws).to(posterior.mean) for _ in range(2))
            return (posterior.mean + posterior.std * codec) * vae.config.scaling_factor, noise

    def _states(self, templates: Sequence[str]) -> Tensor:
        prompts = [template.format(TOKEN) for template in templates]
        tokens = self._pipeline.tokenizer(prompts, padding="max_length", return_tensors="pt").input_ids
        states: Tensor = self._pipeline.text_encoder(tokens.to(self._device))[0]
        return states.to(self._dtype)


def _view(images: Images, number: int, resolution: int) -> Tensor:
    """The image for an even number, its mirror image for an odd one."""
    image, mirrored = images[number // 2], number % 2
    resized = image.convert("RGB").resize((resolution, resolution), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.asarray(resized, dtype=np.float32) / 127.5 - 1).permute(2, 0, 1)
    return pixels.flip(-1) if mirrored else pixels
