"""Train mini_sd's text encoder and UNet in the autoencoder's latents, and write the diffusers folder.

python -m methods.mini_sd.train_denoiser training/corpus training/autoencoder/vae training/denoiser
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from rich.progress import track
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from datasets.folders import require_folder
from datasets.mini_focus import CATEGORIES, COLOURS, LOCATIONS, TIMES, WEATHERS
from datasets.scripts import run_script
from datasets.whole_file import whole_file
from evaluation.arrays import Pixels
from evaluation.device import default_device
from methods.mini_sd.architecture import TEXT_WIDTH, TIMESTEPS, build_scheduler, build_text_encoder, build_unet
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.muon import optimizers
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.training import generator_of, mixed_precision, pixels_of, speed_up, train

CAPTION_DROPOUT = 0.1
"""Share of captions replaced by the empty one, as classifier-free guidance needs (Ho & Salimans 2022)."""
VALIDATION_SIZE = 512
ATTRIBUTES = {"category": CATEGORIES, "colour": COLOURS, "location": LOCATIONS, "weather": WEATHERS, "time": TIMES}


def main(
    corpus: Path,
    autoencoder: Path,
    out: Path,
    steps: Annotated[int, typer.Option(help="optimiser steps of the UNet")] = 3500,
    text_steps: Annotated[int, typer.Option(help="steps before that, which teach the text encoder its words")] = 300,
    decay_share: Annotated[
        float, typer.Option(help="share of the steps, at the end, over which the learning rate falls to zero")
    ] = 0.65,
    batch_size: int = 128,
    learning_rate: Annotated[float, typer.Option(help="learning rate of Muon; AdamW's is a twentieth of it")] = 0.02,
    seed: int = 0,
    start_from: Annotated[
        Path | None, typer.Option(help="weights to continue from, trained with the same autoencoder")
    ] = None,
) -> None:
    """Train text encoder and UNet on CORPUS, or resume from OUT, and write OUT/weights for diffusers' pipelines."""
    device = default_device()
    images, scenes = load_corpus(corpus)
    require_folder(autoencoder, "train a codec first, with `python -m methods.mini_sd.train_autoencoder`")
    vae = AutoencoderKL.from_pretrained(autoencoder).to(device).eval()
    tokenizer = build_tokenizer()
    pictures = captioned_latents(vae, images, scenes, tokenizer, out / "latents.pt")
    vae.register_to_config(scaling_factor=pictures.scaling_factor)
    torch.manual_seed(seed)
    if start_from:
        require_folder(start_from, "--start-from must name the folder of weights")
        text_encoder = read_text_encoder(start_from, tokenizer).to(device)
        unet = UNet2DConditionModel.from_pretrained(start_from / "unet", dtype=torch.float32).to(device)
    else:
        text_encoder, unet = build_text_encoder(tokenizer).to(device), build_unet().to(device)
        teach_words(text_encoder, pictures.tokens, scenes, text_steps, seed, out / "text")
    averages = unet_average, text_average = copy.deepcopy(unet), copy.deepcopy(text_encoder)
    speed_up(unet)
    count = len(images) - VALIDATION_SIZE

    def loss_of_step(step: int) -> Tensor:
        draw = generator_of(seed, step)
        chosen = torch.randint(count, (batch_size,), generator=draw)
        times = training_times(batch_size, draw)
        return denoising_loss(unet, text_encoder, add_noise(pictures, chosen, times, draw, CAPTION_DROPOUT))

    @torch.inference_mode()
    def report() -> str:
        loss = denoising_loss(unet_average, text_average, validation_set(pictures, seed))
        return f"validation {loss.item():.4f}"

    steppers = optimizers([unet, text_encoder], learning_rate, learning_rate / 20)
    train(out, [unet, text_encoder], steppers, loss_of_step, steps, report, averages, decay_share)
    save_pipeline(vae, unet_average, text_average, tokenizer, out / "weights")


@dataclass(frozen=True)
class CaptionedLatents:
    """Latent posteriors of N pictures (means and deviations, float16 (N, 16, 8, 8)), and caption tokens, (N, 32)."""

    means: Tensor
    deviations: Tensor
    tokens: Tensor
    empty: Tensor
    """Tokens of the empty caption, (1, 32)."""

    @cached_property
    def scaling_factor(self) -> float:
        """Scales latents to unit standard deviation, like Stable Diffusion's 0.18215."""
        variance = self.means[:4096].float().var() + self.deviations[:4096].float().square().mean()
        return round(float(variance**-0.5), 4)

    def sample(self, chosen: Tensor, draw: torch.Generator) -> Tensor:
        """Scaled latents of the chosen pictures, (B, 16, 8, 8), drawn from their posteriors."""
        noise = torch.randn(self.means[chosen].shape, generator=draw)
        return (self.means[chosen].float() + self.deviations[chosen].float() * noise) * self.scaling_factor


def validation_set(pictures: CaptionedLatents, seed: int) -> Noised:
    """The last pictures, which are not trained on, at fixed times and with fixed noise."""
    count, draw = len(pictures.means), generator_of(seed, 2**40)
    times = torch.randint(TIMESTEPS, (VALIDATION_SIZE,), generator=draw)
    return add_noise(pictures, torch.arange(count - VALIDATION_SIZE, count), times, draw, 0.0)


def training_times(count: int, draw: torch.Generator) -> Tensor:
    """Times in [0, 999], (N,): three quarters logit-normal (Esser et al. 2024), the others uniform.

    With 8×8 latents, Stable Diffusion's noise schedule destroys a picture early: from two thirds of the schedule on,
    little is known of it beyond its caption.
    """
    likely = torch.sigmoid(torch.randn(count, generator=draw) - 0.5)
    anywhere = torch.rand(count, generator=draw)
    share = torch.where(torch.rand(count, generator=draw) < 0.75, likely, anywhere)
    return (share * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)


@dataclass(frozen=True)
class Noised:
    """N partly noised pictures."""

    latents: Tensor
    """Noised latents, (N, 16, 8, 8)."""
    velocities: Tensor
    """What the denoiser has to predict (Salimans & Ho 2022), (N, 16, 8, 8)."""
    times: Tensor
    """Times in the noise schedule, in [0, 999], (N,)."""
    tokens: Tensor
    """Tokens of the captions, (N, 32)."""


def add_noise(
    pictures: CaptionedLatents, chosen: Tensor, times: Tensor, draw: torch.Generator, caption_dropout: float
) -> Noised:
    """The chosen pictures, noised to `times`, (N,); a share `caption_dropout` of them get the empty caption."""
    scheduler = build_scheduler()
    clean = pictures.sample(chosen, draw)
    noise = torch.randn(clean.shape, generator=draw)
    dropped = torch.rand(len(chosen), 1, generator=draw) < caption_dropout
    tokens = torch.where(dropped, pictures.empty, pictures.tokens[chosen])
    return Noised(scheduler.add_noise(clean, noise, times), scheduler.get_velocity(clean, noise, times), times, tokens)


def predicted_velocities(
    unet: UNet2DConditionModel, text_encoder: CLIPTextModel, noised: Noised, **conditions: Tensor
) -> Tensor:
    """Float32, (N, 16, 8, 8), on the denoiser's device; `conditions` are passed to it in addition to captions."""
    device = unet.device
    with mixed_precision(device):
        captions = text_encoder(noised.tokens.to(device))[0]
        predicted: Tensor = unet(noised.latents.to(device), noised.times.to(device), captions, **conditions).sample
    return predicted.float()


def denoising_loss(unet: UNet2DConditionModel, text_encoder: CLIPTextModel, noised: Noised) -> Tensor:
    """Mean squared error of the predicted velocities."""
    predicted = predicted_velocities(unet, text_encoder, noised)
    return (predicted - noised.velocities.to(predicted.device)).square().mean()


def captioned_latents(
    vae: AutoencoderKL, images: Pixels, scenes: list[dict[str, Any]], tokenizer: CLIPTokenizer, cache: Path
) -> CaptionedLatents:
    means, deviations = encode(vae, images, cache)
    texts = [scene["caption"] for scene in scenes]
    tokens, empty = (tokenizer(t, padding="max_length", return_tensors="pt").input_ids for t in (texts, [""]))
    return CaptionedLatents(means, deviations, tokens, empty)


def save_pipeline(
    vae: AutoencoderKL, unet: UNet2DConditionModel, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, folder: Path
) -> None:
    """Write an ordinary diffusers folder with float16 safetensors."""
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
    for path in folder.glob("*/config.json"):
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)  # a path on this machine
        # transformers loads a model in the dtype of its configuration, diffusers in float32: make them agree.
        if "dtype" in config:
            config["dtype"] = "float32"
        path.write_text(json.dumps(config, indent=2) + "\n")


@torch.inference_mode()
def encode(vae: AutoencoderKL, images: Pixels, cache: Path) -> tuple[Tensor, Tensor]:
    """Posterior mean and deviation of every picture, float16 (N, 16, 8, 8), computed once and kept in `cache`."""
    if not cache.exists():
        parts = []
        for start in track(range(0, len(images), 64), "encoding"):
            with mixed_precision(vae.device):
                posterior = vae.encode(pixels_of(images[start : start + 64]).to(vae.device)).latent_dist
            parts.append(torch.stack([posterior.mean, posterior.std]).half().cpu())
        with whole_file(cache) as file:
            torch.save(torch.cat(parts, dim=1), file)
    means, deviations = torch.load(cache, weights_only=True)
    return means, deviations


def read_text_encoder(weights: Path, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """The text encoder of a diffusers folder, with the embeddings of known words moved to their rows in `tokenizer`.

    Unknown words are initialised as in a new encoder, so a larger world need not be learned from scratch.
    """
    former = CLIPTextModel.from_pretrained(weights / "text_encoder", dtype=torch.float32)
    encoder, known = build_text_encoder(tokenizer), CLIPTokenizer.from_pretrained(weights / "tokenizer").get_vocab()
    rows = encoder.get_input_embeddings().weight.detach()
    for token, index in tokenizer.get_vocab().items():
        if token in known:
            rows[index] = former.get_input_embeddings().weight[known[token]]
    former.set_input_embeddings(nn.Embedding.from_pretrained(rows, freeze=False))
    encoder.load_state_dict(former.state_dict())
    return encoder


def teach_words(
    encoder: CLIPTextModel, tokens: Tensor, scenes: list[dict[str, Any]], steps: int, seed: int, folder: Path
) -> None:
    """Train the encoder to predict a scene's attributes from the end-of-text state, before it sees any image.

    Stable Diffusion's text encoder comes from CLIP and already knows words; without such a start a small UNet
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
    train(folder, [encoder, heads], [adam], loss_of_step, steps, lambda: "words", save_every=100)


if __name__ == "__main__":
    run_script(main)
