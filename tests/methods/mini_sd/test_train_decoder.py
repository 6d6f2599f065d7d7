"""Training the decoder end to end at the smallest size: it alone moves, towards what was redrawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from methods.mini_sd import WEIGHTS, train_decoder
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.corpus import main as render_corpus
from methods.mini_sd.perceptual import PerceptualDistance
from methods.mini_sd.sampling import open_pipeline, renders_of, scenes_of
from methods.mini_sd.train_decoder import redrawn_latents
from methods.mini_sd.training import pixels_of


def test_training_moves_the_decoder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_decoder, "VALIDATION_SIZE", 4)
    render_corpus(tmp_path / "corpus", count=12)
    train_decoder.main(tmp_path / "corpus", WEIGHTS, tmp_path / "out", pictures=6, steps=2, batch_size=3)
    before, after = (open_pipeline(folder) for folder in (WEIGHTS, tmp_path / "out" / "weights"))
    for part in ("unet", "text_encoder"):
        for old, new in zip(getattr(before, part).parameters(), getattr(after, part).parameters(), strict=True):
            assert torch.equal(old, new)
    assert torch.equal(before.vae.encoder.conv_in.weight, after.vae.encoder.conv_in.weight)
    assert not torch.equal(before.vae.decoder.conv_in.weight, after.vae.decoder.conv_in.weight)


def test_what_is_redrawn_more_strongly_goes_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Latents of a batch at the weakest strength, then of one at a stronger one; the second call reads the first's."""
    monkeypatch.setattr(train_decoder, "BATCH_SIZE", 4)
    monkeypatch.setattr(train_decoder, "STRENGTHS", (0.08, 0.4))
    render_corpus(tmp_path / "corpus", count=8)
    images, scenes = load_corpus(tmp_path / "corpus")
    captions = [scene["caption"] for scene in scenes]
    pipeline = open_pipeline(WEIGHTS)
    kept, redrawn = redrawn_latents(pipeline, images, captions, tmp_path / "latents.pt").float()
    moved = (redrawn - kept).square().mean((1, 2, 3))
    assert kept.shape == (8, 16, 8, 8)
    assert moved[:4].mean() < moved[4:].mean() < kept.square().mean()
    again = redrawn_latents(pipeline, images[:0], [], tmp_path / "latents.pt")
    assert torch.equal(again.float(), torch.stack([kept, redrawn]))


def test_a_blurred_picture_is_further_than_a_shifted_one() -> None:
    """Which is the other way round for the squared error of pixels."""
    pictures = renders_of(scenes_of(16))
    blurred = np.stack([Image.fromarray(picture).filter(ImageFilter.GaussianBlur(1.5)) for picture in pictures])
    truth, soft, shifted = (pixels_of(images) for images in (pictures, blurred, np.roll(pictures, 1, axis=2)))
    distance = PerceptualDistance()
    assert distance(truth, truth).abs().max() < 1e-6
    assert distance(soft, truth).mean() > distance(shifted, truth).mean()
    assert (soft - truth).square().mean() < (shifted - truth).square().mean()


def test_gradients_reach_the_pictures_and_not_the_targets() -> None:
    pictures, targets = torch.zeros(1, 3, 64, 64, requires_grad=True), torch.ones(1, 3, 64, 64, requires_grad=True)
    PerceptualDistance()(pictures, targets).sum().backward()
    assert pictures.grad is not None
    assert targets.grad is None
