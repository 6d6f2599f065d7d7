"""Training the codec end to end at the smallest size: it continues from a given codec and stays about as good."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from methods.mini_sd import WEIGHTS, train_autoencoder
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.corpus import main as render_corpus
from methods.mini_sd.train_autoencoder import psnr
from methods.mini_sd.training import pixels_of


def test_training_goes_on_from_the_shipped_codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small step changes the codec but its PSNR by less than 0.5 dB; an untrained codec is below 15 dB."""
    monkeypatch.setattr(train_autoencoder, "VALIDATION_SIZE", 8)
    render_corpus(tmp_path / "corpus", count=24)
    train_autoencoder.main(
        tmp_path / "corpus", tmp_path / "out", steps=1, batch_size=8, learning_rate=1e-3, start_from=WEIGHTS / "vae"
    )
    before, after = (
        AutoencoderKL.from_pretrained(folder, dtype=torch.float32).eval()
        for folder in (WEIGHTS / "vae", tmp_path / "out" / "vae")
    )
    pixels = pixels_of(load_corpus(tmp_path / "corpus")[0][-8:])
    assert not torch.equal(before.encoder.conv_in.weight, after.encoder.conv_in.weight)
    assert psnr(after, pixels) == pytest.approx(psnr(before, pixels), abs=0.5)
