"""A checkpoint's tokenizer, with the token `<word>` for a learned word. Opening it does not need the networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.errors import UserError, reason_of
from methods.checkpoint_layout import config_name, read_config
from methods.plan import PLACEHOLDER

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import CLIPTokenizer


class PromptTokenizer:
    """length: tokens that the text encoder reads, including those for begin and end; the rest is cut off.
    placeholder: the id of `<word>`.
    """

    def __init__(self, tokenizer: CLIPTokenizer, positions: int) -> None:
        """positions: how many the text encoder has."""
        tokenizer.add_tokens([PLACEHOLDER])
        self._tokenizer = tokenizer
        self.length = min(tokenizer.model_max_length, positions)
        self.placeholder = int(tokenizer.convert_tokens_to_ids(PLACEHOLDER))

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """Token ids, shape (prompts, length), padded and cut to the length.

        Raises:
            UserError: a prompt is so long that its class word would be cut off.
        """
        for prompt in prompts:
            if not self.fits(prompt):
                raise UserError(
                    f"prompt '{prompt[:60]}…' is too long: its class word lies beyond the {self.length} tokens that "
                    "the text encoder reads; shorten the text before it"
                )
        arguments = {"padding": "max_length", "max_length": self.length, "truncation": True, "return_tensors": "pt"}
        tokens: Tensor = self._tokenizer(list(prompts), **arguments).input_ids
        return tokens

    def fits(self, prompt: str) -> bool:
        """Whether the text encoder reads the prompt's class word; true for a prompt without one."""
        kept = self._tokenizer(prompt, max_length=self.length, truncation=True).input_ids
        return PLACEHOLDER not in prompt or self.placeholder in kept


def open_tokenizer(folder: Path) -> PromptTokenizer:
    """Open the tokenizer of a checkpoint folder; raises `UserError` if it cannot be read."""
    from transformers import CLIPTextConfig, CLIPTokenizer

    config = read_config(folder, config_name("text_encoder"))
    positions = config.get("max_position_embeddings", CLIPTextConfig().max_position_embeddings)
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    except Exception as error:  # a broken file raises whatever its reader raises
        raise UserError(
            f"the tokenizer of checkpoint folder {folder} cannot be opened: {reason_of(error)}; copy the checkpoint "
            "again"
        ) from error
    return PromptTokenizer(tokenizer, positions)
