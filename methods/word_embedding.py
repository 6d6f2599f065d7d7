"""Prompts whose class word is a vector of its own, different in every row of a batch.

The tokenizer is not grown by a token for every class: one placeholder token, `<word>`, stands in every prompt, and the
text encoder's token embedding puts the row's own vector there. A batch may so mix classes and noise levels.
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
    """A token embedding in which one token stands for `words`, a vector a row, shape (rows, width).

    Each thread has words of its own.
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
        """(rows, length) token ids to (rows, length, width) vectors."""
        is_word = tokens == self.placeholder
        vectors: Tensor = self.table(tokens.masked_fill(is_word, 0))  # the table has no row for the placeholder
        words = self.words
        if words is None:
            return vectors
        return torch.where(is_word[..., None], words[:, None, :].to(vectors.dtype), vectors)


class PromptEncoder:
    """Stable Diffusion's tokenizer and text encoder, with `<word>` for a learned word.

    The text encoder is frozen; gradients flow to the words alone.
    """

    def __init__(self, tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel) -> None:
        self.tokenizer = tokenizer
        self.tokenize = PromptTokenizer(tokenizer, text_encoder.config.max_position_embeddings)
        self.text_encoder = text_encoder.requires_grad_(False).eval()
        self._embedding = WordEmbedding(text_encoder.get_input_embeddings(), self.tokenize.placeholder)
        text_encoder.set_input_embeddings(self._embedding)

    @property
    def width(self) -> int:
        """Entries of a word's vector."""
        return int(self._embedding.table.embedding_dim)

    def encode(self, tokens: Tensor, words: Tensor) -> Tensor:
        """Text encoder states, shape (rows, length, width), of `tokens` (rows, length) and `words` (rows, width)."""
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
            UserError: the tokenizer knows no token of it.
        """
        tokens = self.tokenizer(text, add_special_tokens=False).input_ids
        known = [token for token in tokens if token not in self.tokenizer.all_special_ids]
        if not known:
            raise UserError(f"the checkpoint's tokenizer does not know the word '{text}'")
        mean = self._embedding.table.weight[known].detach().float().mean(dim=0)
        vector: Singles = mean.cpu().numpy()
        return vector
