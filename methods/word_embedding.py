"""Prompts whose class word is a learned vector, which may differ in every row of a batch.

The tokenizer does not get a token for every class. Instead, every prompt contains one placeholder token, `<word>`, and
the text encoder's token embedding puts the row's own vector there. A batch can therefore mix classes and noise levels.
"""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from datasets.errors import UserError
from evaluation.arrays import Singles
from evaluation.device import sent
from methods.prompt_tokenizer import PromptTokenizer

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer


class WordEmbedding(nn.Module):
    """A token embedding in which one token stands for `words`, one vector per row, shape (rows, width).

    Each thread has its own words.
    """

    def __init__(self, table: nn.Embedding, placeholder: int) -> None:
        super().__init__()
        self.table = table
        self.placeholder = placeholder
        self._of_thread = local()

    @property
    def words(self) -> Tensor | None:
        """The words of the calling thread."""
        return getattr(self._of_thread, "words", None)

    @words.setter
    def words(self, words: Tensor | None) -> None:
        self._of_thread.words = words

    def forward(self, tokens: Tensor) -> Tensor:
        """Turn token ids (rows, length) into vectors (rows, length, width)."""
        is_word = tokens == self.placeholder
        vectors: Tensor = self.table(tokens.masked_fill(is_word, 0))  # the table has no row for the placeholder
        words = self.words
        if words is None:
            return vectors
        return torch.where(is_word[..., None], words[:, None, :].to(vectors.dtype), vectors)


class PromptEncoder:
    """Stable Diffusion's tokenizer and text encoder, with `<word>` for a learned word.

    The text encoder is frozen; gradients flow only to the words.
    """

    def __init__(self, tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel) -> None:
        self.tokenizer = tokenizer
        self.tokenize = PromptTokenizer(tokenizer, text_encoder.config.max_position_embeddings)
        self.text_encoder = text_encoder.requires_grad_(False).eval()
        self._embedding = WordEmbedding(text_encoder.get_input_embeddings(), self.tokenize.placeholder)
        text_encoder.set_input_embeddings(self._embedding)

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        return int(self._embedding.table.embedding_dim)

    def encode(self, tokens: Tensor, words: Tensor) -> Tensor:
        """Text encoder states, shape (rows, length, width), for `tokens` (rows, length) and `words` (rows, width)."""
        device = self._embedding.table.weight.device
        self._embedding.words = words.to(device)
        try:
            states: Tensor = self.text_encoder(sent(tokens, device))[0]
        finally:
            self._embedding.words = None
        return states

    def word_vector(self, text: str) -> Singles:
        """The text encoder's own embedding of a word or a noun: the mean over its tokens, float32 (width,).

        Raises:
            UserError: the tokenizer knows none of the text's tokens.
        """
        tokens = self.tokenizer(text, add_special_tokens=False).input_ids
        known = [token for token in tokens if token not in self.tokenizer.all_special_ids]
        if not known:
            raise UserError(f"the checkpoint's tokenizer does not know the word '{text}'")
        mean = self._embedding.table.weight[known].detach().float().mean(dim=0)
        vector: Singles = mean.cpu().numpy()
        return vector
