"""Train mini_sd's text encoder and UNet in the autoencoder's latents, and write the diffusers folder.

python -m methods.mini_sd.train_denoiser training/corpus training/autoencoder/vae training/denoiser
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from rich.progress import track
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from datasets.mini_focus import CATEGORIES, COLOURS, LOCATIONS, TIMES, WEATHERS
from evaluation.device import default_device
from methods.mini_sd.architecture import TEXT_WIDTH, build_scheduler, build_text_encoder, build_unet
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.muon import optimizers
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.training import Replica, generator_of, mixed_precision, shared_copy, train

CAPTION_DROPOUT = 0.1
"""Share of empty captions, which classifier-free guidance needs (Ho & Salimans 2022)."""
VALIDATION_SIZE = 512
ATTRIBUTES = {"category": CATEGORIES, "colour": COLOURS, "location": LOCATIONS, "weather": WEATHERS, "time": TIMES}
LEARNING_RATE, ADAM_LEARNING_RATE = 0.02, 1e-3
Images = npt.NDArray[np.uint8]


def main(
    corpus: Path,
    autoencoder: Path,
    out: Path,
    steps: Annotated[int, typer.Option(help="optimiser steps of the UNet")] = 3500,
    text_steps: Annotated[int, typer.Option(help="steps that teach the text encoder words first")] = 300,
    decay_share: Annotated[float, typer.Option(help="share of the steps over which the rate falls to zero")] = 0.65,
    batch_size: int = 128,
    seed: int = 0,
    parts: Annotated[int, typer.Option(help="shares of a batch, side by side on a CPU; 1 on a GPU")] = 4,
) -> None:
    """Train on CORPUS, resuming from OUT, and write OUT/weights, which diffusers' pipelines open."""
    device = default_device()
    vae = AutoencoderKL.from_pretrained(autoencoder).to(device).eval()
    images, scenes = load_corpus(corpus)
    tokenizer = build_tokenizer()
    pictures = captioned_latents(vae, images, scenes, tokenizer, out / "latents.pt")
    vae.register_to_config(scaling_factor=pictures.scaling_factor(seed))
    torch.manual_seed(seed)
    text_encoder, unet = build_text_encoder(tokenizer).to(device), build_unet().to(device)
    teach_words(text_encoder, pictures.tokens, scenes, text_steps, seed, out / "text")
    # PyTorch's fused attention takes a third of a step's time on a CPU at these few positions.
    unet.set_attn_processor(AttnProcessor())
    torch.set_num_threads(max(1, torch.get_num_threads() // parts))
    unet_average, text_average = copy.deepcopy(unet), copy.deepcopy(text_encoder)
    count = len(images) - VALIDATION_SIZE

    def share(model: UNet2DConditionModel, encoder: CLIPTextModel, part: int) -> Callable[[int], Tensor]:
        def loss_of_step(step: int) -> Tensor:
            draw = generator_of(seed, step, part)
            chosen = torch.randint(count, (batch_size // parts,), generator=draw)
            return denoising_loss(model, encoder, pictures, chosen, draw, vae.config.scaling_factor, CAPTION_DROPOUT)

        return loss_of_step

    replicas = []
    for part in range(1, parts):
        model, encoder = shared_copy(unet), shared_copy(text_encoder)
        replicas.append(Replica([model, encoder], share(model, encoder, part)))

    @torch.inference_mode()
    def report(step: int) -> str:
        held_out, draw = torch.arange(count, len(images)), generator_of(seed, 2**40)
        loss = denoising_loss(unet_average, text_average, pictures, held_out, draw, vae.config.scaling_factor, 0.0)
        return f"validation {loss.item():.4f}"

    steppers = optimizers([unet, text_encoder], LEARNING_RATE, ADAM_LEARNING_RATE, parts)
    averages = [unet_average, text_average]
    loss = share(unet, text_encoder, 0)
    train(out, [unet, text_encoder], steppers, loss, steps, report, averages, decay_share, replicas)
    save_pipeline(vae, unet_average, text_average, tokenizer, out / "weights")


@dataclass(frozen=True)
class CaptionedLatents:
    """Posteriors of N pictures, float16 (N, 16, 8, 8) each, with their captions' tokens, (N, 32)."""

    means: Tensor
    deviations: Tensor
    tokens: Tensor
    empty: Tensor
    """Tokens of the empty caption, (1, 32)."""

    def sample(self, chosen: Tensor, draw: torch.Generator) -> Tensor:
        """Latents of the chosen pictures, drawn from their posteriors, unscaled."""
        noise = torch.randn(self.means[chosen].shape, generator=draw)
        return self.means[chosen].float() + self.deviations[chosen].float() * noise

    def scaling_factor(self, seed: int) -> float:
        """Brings latents to unit deviation, as Stable Diffusion's 0.18215 does."""
        return round(1 / float(self.sample(torch.arange(4096), generator_of(seed)).std()), 4)


def denoising_loss(
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    pictures: CaptionedLatents,
    chosen: Tensor,
    draw: torch.Generator,
    scaling_factor: float,
    caption_dropout: float,
) -> Tensor:
    """Mean squared error of the predicted velocity (Salimans & Ho 2022) at uniform times."""
    scheduler, device = build_scheduler(), unet.device
    clean = pictures.sample(chosen, draw) * scaling_factor
    noise = torch.randn(clean.shape, generator=draw)
    time = torch.randint(scheduler.config.num_train_timesteps, (len(chosen),), generator=draw)
    dropped = torch.rand(len(chosen), 1, generator=draw) < caption_dropout
    caption = torch.where(dropped, pictures.empty, pictures.tokens[chosen]).to(device)
    noisy, target = scheduler.add_noise(clean, noise, time), scheduler.get_velocity(clean, noise, time)
    with mixed_precision(device):
        predicted = unet(noisy.to(device), time.to(device), text_encoder(caption)[0]).sample
    return (predicted.float() - target.to(device)).square().mean()


def captioned_latents(
    vae: AutoencoderKL, images: Images, scenes: list[dict[str, Any]], tokenizer: CLIPTokenizer, cache: Path
) -> CaptionedLatents:
    means, deviations = encode(vae, images, cache)
    texts = [scene["caption"] for scene in scenes]
    tokens, empty = (tokenizer(t, padding="max_length", return_tensors="pt").input_ids for t in (texts, [""]))
    return CaptionedLatents(means, deviations, tokens, empty)


def save_pipeline(
    vae: AutoencoderKL, unet: UNet2DConditionModel, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, folder: Path
) -> None:
    """An ordinary diffusers folder with float16 safetensors."""
    pipeline = StableDiffusionPipeline(
        vae=vae.eval().cpu().half(),
        unet=unet.eval().cpu().half(),
        text_encoder=text_encoder.eval().cpu().half(),
        tokenizer=tokenizer,
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    # transformers opens a model in the type that its configuration names, diffusers in float32: let them agree.
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"float16"', '"float32"'))


@torch.inference_mode()
def encode(vae: AutoencoderKL, images: Images, cache: Path) -> tuple[Tensor, Tensor]:
    """Every picture's posterior mean and deviation, float16 (N, 16, 8, 8), computed once."""
    if not cache.exists():
        parts = []
        for start in track(range(0, len(images), 64), "encoding"):
            pixels = torch.from_numpy(np.array(images[start : start + 64])).to(vae.device)
            with mixed_precision(vae.device):
                posterior = vae.encode(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).latent_dist
            parts.append(torch.stack([posterior.mean, posterior.std]).half().cpu())
        cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.cat(parts, dim=1), cache.with_suffix(".tmp"))
        cache.with_suffix(".tmp").replace(cache)
    means, deviations = torch.load(cache, weights_only=True)
    return means, deviations


def teach_words(
    encoder: CLIPTextModel, tokens: Tensor, scenes: list[dict[str, Any]], steps: int, seed: int, folder: Path
) -> None:
    """Let the end-of-text state tell a scene's attributes, before any image is seen.

    Stable Diffusion's text encoder comes from CLIP and knows words; without such a start a small UNet
    ignores its caption for thousands of steps.
    """
    heads = nn.ModuleDict({name: nn.Linear(TEXT_WIDTH, len(words)) for name, words in ATTRIBUTES.items()}).to(
        encoder.device
    )
    labels = {name: torch.tensor([words.index(s[name]) for s in scenes]) for name, words in ATTRIBUTES.items()}

    def loss_of_step(step: int) -> Tensor:
        chosen = torch.randint(len(tokens), (128,), generator=generator_of(seed, step, 1))
        with mixed_precision(encoder.device):
            pooled = encoder(tokens[chosen].to(encoder.device)).pooler_output.float()
        losses = [nn.functional.cross_entropy(heads[n](pooled), labels[n][chosen].to(pooled.device)) for n in heads]
        return torch.stack(losses).mean()

    adam = torch.optim.AdamW([*encoder.parameters(), *heads.parameters()], 1e-3, weight_decay=0.0)
    train(folder, [encoder, heads], [adam], loss_of_step, steps, lambda step: "words", save_every=100)


if __name__ == "__main__":
    typer.run(main)
