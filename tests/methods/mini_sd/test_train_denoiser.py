"""Training the denoiser end to end at the smallest size: it writes a folder that diffusers opens, and can continue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTokenizer

from datasets.mini_focus import VOCABULARY
from methods.mini_sd import WEIGHTS, train_denoiser
from methods.mini_sd.corpus import main as render_corpus
from methods.mini_sd.sampling import open_pipeline, text_to_image
from methods.mini_sd.tokenizer import build_tokenizer
from methods.mini_sd.train_denoiser import read_text_encoder


def test_training_goes_on_from_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step changes the weights a little; their average, which is saved, changes less than the step."""
    monkeypatch.setattr(train_denoiser, "VALIDATION_SIZE", 8)
    render_corpus(tmp_path / "corpus", count=40)
    with torch.compiler.set_stance("force_eager"):
        train_denoiser.main(
            tmp_path / "corpus", WEIGHTS / "vae", tmp_path / "out", steps=1, batch_size=8, start_from=WEIGHTS
        )
    assert not any("_name_or_path" in path.read_text() for path in (tmp_path / "out" / "weights").rglob("*.json"))
    part = "unet/diffusion_pytorch_model.safetensors"
    before, after = load_file(WEIGHTS / part), load_file(tmp_path / "out" / "weights" / part)
    assert before.keys() == after.keys()
    moved = max(float((before[name].float() - after[name].float()).abs().max()) for name in before)
    assert 0 < moved < 0.05
    picture = text_to_image(open_pipeline(tmp_path / "out" / "weights"), ["a photo of a car"], 2.0, 3)
    assert np.asarray(picture).std() > 5


def test_a_text_encoder_keeps_what_its_words_meant_when_the_vocabulary_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """New words move old ones to other rows of the table, but every old sentence is encoded as before."""
    former = CLIPTokenizer.from_pretrained(WEIGHTS / "tokenizer")
    monkeypatch.setattr("methods.mini_sd.tokenizer.VOCABULARY", ("aardvark", *VOCABULARY, "zebra"))
    grown = build_tokenizer()
    assert len(grown) > len(former)
    sentence = ["a photo of a red car at night"]

    def encoded(encoder: CLIPTextModel, tokenizer: CLIPTokenizer) -> torch.Tensor:
        return encoder(tokenizer(sentence, padding="max_length", return_tensors="pt").input_ids)[0]

    known = CLIPTextModel.from_pretrained(WEIGHTS / "text_encoder", dtype=torch.float32)
    with torch.inference_mode():
        torch.testing.assert_close(encoded(read_text_encoder(WEIGHTS, grown), grown), encoded(known, former))
