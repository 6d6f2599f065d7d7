"""What a source of prompts is told of the text encoder that will read them."""

from __future__ import annotations

from collections.abc import Callable

Fits = Callable[[str], bool]
"""Whether a text encoder reads a prompt as far as its class word."""


def any_prompt(_prompt: str) -> bool:
    """`Fits` of a text encoder that reads prompts of any length."""
    return True
