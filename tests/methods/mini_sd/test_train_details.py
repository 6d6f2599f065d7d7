"""Training details end to end at the smallest size, and the requirements on its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from evaluation.arrays import Pixels
from methods.mini_sd import WEIGHTS, train_denoiser, train_details
from methods.mini_sd.architecture import build_scheduler
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.corpus import main as render_corpus
from methods.mini_sd.discriminator import Discriminator
from methods.mini_sd.perceptual import PerceptualFeatures, perceptual_distance
from methods.mini_sd.redrawing import Redrawing, clean_estimates, stepped
from methods.mini_sd.sampling import open_pipeline, renders_of, scenes_of
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.train_denoiser import Noised, add_noise, captioned_latents
from methods.mini_sd.training import generator_of, pixels_of


def test_training_moves_decoder_and_denoiser_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_details, "VALIDATION_SIZE", 4)
    monkeypatch.setattr(train_denoiser, "VALIDATION_SIZE", 4)
    monkeypatch.setattr("torch.nn.Module.compile", lambda self, **options: None)  # takes longer than the test
    render_corpus(tmp_path / "corpus", count=12)
    train_details.main(tmp_path / "corpus", WEIGHTS, tmp_path / "out", steps=2, encoded=1, redrawn=2, denoised=2)
    before, after = (open_pipeline(folder) for folder in (WEIGHTS, tmp_path / "out" / "weights"))
    for old, new in zip(before.text_encoder.parameters(), after.text_encoder.parameters(), strict=True):
        assert torch.equal(old, new)
    assert torch.equal(before.vae.encoder.conv_in.weight, after.vae.encoder.conv_in.weight)
    assert not torch.equal(before.vae.decoder.conv_in.weight, after.vae.decoder.conv_in.weight)
    assert not torch.equal(before.unet.conv_in.weight, after.unet.conv_in.weight)


def test_the_true_velocity_leads_back_to_the_picture(tmp_path: Path) -> None:
    render_corpus(tmp_path / "corpus", count=6)
    images, scenes = load_corpus(tmp_path / "corpus")
    vae = open_pipeline(WEIGHTS).vae
    pictures = captioned_latents(vae, images, scenes, build_tokenizer(), tmp_path / "latents.pt")
    times = torch.tensor([0, 100, 250, 399, 700, 999])
    noised = add_noise(pictures, torch.arange(6), times, generator_of(3), 0.0)
    clean = pictures.sample(torch.arange(6), generator_of(3))  # the same samples from the posteriors
    assert torch.allclose(clean_estimates(noised, noised.velocities), clean, atol=1e-5)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_step_is_that_of_the_sampler(eta: float) -> None:
    """The reference is diffusers' sampler with 25 steps."""
    draw, scheduler, times = generator_of(5), build_scheduler(), torch.tensor([41, 201, 361])
    scheduler.set_timesteps(25)
    latents, velocities, fresh = torch.randn(3, 3, 16, 8, 8, generator=draw)
    ours = stepped(Noised(latents, latents, times, torch.zeros(3, 32)), velocities, times - 40, fresh, eta)
    for i, time in enumerate(times):
        each = slice(i, i + 1)
        (theirs,) = scheduler.step(
            velocities[each], time, latents[each], eta=eta, variance_noise=fresh[each], return_dict=False
        )[:1]
        torch.testing.assert_close(ours[each], theirs, atol=1e-5, rtol=1e-5)


def test_guidance_is_what_the_caption_adds_times_its_scale() -> None:
    nothing = torch.zeros(2, 16, 8, 8)
    noised = Noised(nothing, nothing, torch.tensor([5, 6]), torch.ones(2, 32))
    redrawing = Redrawing(noised, torch.zeros(1, 32), torch.tensor([1.0, 3.0]))
    without, under = redrawing.both_halves
    assert not without.tokens.any()
    assert under.tokens.all()
    guided = redrawing.guided(torch.cat([nothing + 1, nothing + 3]))
    assert torch.equal(guided[0], torch.full((16, 8, 8), 3.0))  # at scale 1 only the caption counts
    assert torch.equal(guided[1], torch.full((16, 8, 8), 7.0))


def test_a_blurred_picture_is_further_than_a_shifted_one() -> None:
    """The squared error of pixels would rank them the other way round."""
    pictures = renders_of(scenes_of(16))
    truth, soft, shifted = (
        pixels_of(images) for images in (pictures, _blurred(pictures), np.roll(pictures, 1, axis=2))
    )
    features = PerceptualFeatures()
    seen = features(truth)
    assert perceptual_distance(features(truth), seen).abs().max() < 1e-6
    assert perceptual_distance(features(soft), seen).mean() > perceptual_distance(features(shifted), seen).mean()
    assert (soft - truth).square().mean() < (shifted - truth).square().mean()


def test_the_discriminator_learns_to_tell_blurred_pictures() -> None:
    torch.manual_seed(0)
    features, pictures = PerceptualFeatures(), renders_of(scenes_of(12))
    rendered, drawn = features(pixels_of(pictures)), features(pixels_of(_blurred(pictures)))
    discriminator = Discriminator(features.channels)
    adam = torch.optim.Adam(discriminator.parameters(), 2e-3, betas=(0.0, 0.99))
    for _ in range(20):
        loss = discriminator.hinge_loss(rendered, drawn)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert discriminator.realism(drawn) < discriminator.realism(rendered)
    assert loss < 1.6  # the loss is 2 if it cannot distinguish them


def test_realism_teaches_who_draws_and_the_hinge_loss_the_discriminator() -> None:
    features = PerceptualFeatures()
    pixels = torch.zeros(1, 3, 64, 64, requires_grad=True)
    discriminator = Discriminator(features.channels)
    discriminator.realism(features(pixels)).backward()
    assert pixels.grad is not None
    assert all(parameter.grad is None for parameter in discriminator.parameters())
    pixels.grad = None
    seen = features(pixels)
    discriminator.hinge_loss(seen, seen).backward()
    assert pixels.grad is None
    assert all(parameter.grad is not None for parameter in discriminator.parameters())


def _blurred(pictures: Pixels) -> Pixels:
    blur = ImageFilter.GaussianBlur(1.5)
    return np.stack([np.asarray(Image.fromarray(picture).filter(blur)) for picture in pictures])
