"""A CLIP tokenizer in which every word of the miniature world is one token."""

from __future__ import annotations

import re
import string
from itertools import pairwise
from typing import TYPE_CHECKING

from datasets.mini_focus.caption import VOCABULARY

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

CONTEXT_LENGTH = 32
START, END = "<|startoftext|>", "<|endoftext|>"


def build_tokenizer() -> CLIPTokenizer:
    """Byte-pair encoding whose merges build each word of the vocabulary; other words are split into pieces."""
    from transformers import CLIPTokenizer

    characters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [START, END, *characters, *(f"{character}</w>" for character in characters)]
    merges: list[tuple[str, str]] = []
    for word in _words():
        pieces = _encode(word, merges)
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces = _encode(word, merges)
    tokens += [left + right for left, right in merges]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT_LENGTH)


def _words() -> list[str]:
    """The vocabulary as CLIP's pre-tokenizer splits it: "close-up" becomes three words."""
    return sorted({part for word in VOCABULARY for part in re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", word)})


def _encode(word: str, merges: list[tuple[str, str]]) -> list[str]:
    """Byte-pair encoding of a word: repeatedly apply the earliest of the `merges` that fits."""
    pieces = [*word[:-1], f"{word[-1]}</w>"]
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    while len(pieces) > 1:
        rank, at = min((ranks.get(pair, len(merges)), i) for i, pair in enumerate(pairwise(pieces)))
        if rank == len(merges):
            break
        pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
    return pieces
