"""What a prompt source needs to know about the text encoder that will read its prompts."""

from __future__ import annotations

from collections.abc import Callable

Fits = Callable[[str], bool]
"""Whether a text encoder reads a prompt at least up to its class word."""


def any_prompt(_prompt: str) -> bool:
    """`Fits` of a text encoder that reads prompts of any length."""
    return True
