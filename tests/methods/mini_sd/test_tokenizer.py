"""Every word that may occur in a caption is one token; any other text also has tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.mini_focus import caption, sample_scene
from methods.mini_sd.tokenizer import CONTEXT_LENGTH, build_tokenizer


def test_captions_are_tokens_of_whole_words() -> None:
    tokenizer = build_tokenizer()
    for index in range(200):
        rng = np.random.default_rng(index)
        text = caption(sample_scene(rng), rng)
        words = text.replace("-", " - ").split()
        assert [token.removesuffix("</w>") for token in tokenizer.tokenize(text)] == words
        assert len(words) + 2 <= CONTEXT_LENGTH


def test_unknown_words_fall_apart_into_letters() -> None:
    assert build_tokenizer().tokenize("zebra") != []


def test_survives_saving(tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    text = "a close-up photo of the red mug among dunes"
    assert again(text).input_ids == tokenizer(text).input_ids
    assert again.add_tokens(["<word>"]) == 1
