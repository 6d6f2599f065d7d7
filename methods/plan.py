"""A plan: the table of images that a method wants, one row per image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.arrays import Singles

PLACEHOLDER = "<word>"
"""Marks the place of the row's learned word in a prompt."""

Vector = Singles
"""A learned word, (width of the text encoder,)."""


@dataclass(frozen=True)
class PlanRow:
    """One image to make from a guide by SDEdit (Meng et al. 2022). The image depends only on this row.

    guide: index into the task's train examples.
    prompt: text in which `<word>` stands for the learned word.
    word: key into the plan's words.
    strength: share of the noise schedule that is run, in (0, 1]; 0, like `steps`, for an image that no generator made.
    guidance_scale: scale of classifier-free guidance; 1 turns it off.
    steps: length of the whole schedule; `strength * steps` denoising steps are run.
    seed: seed of the row's own noise.
    noise_std: standard deviation of the embedding noise in `word` (kept for the record).
    """

    guide: int
    label: int
    prompt: str
    word: str
    strength: float
    guidance_scale: float
    steps: int
    seed: int
    noise_std: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Rows, and the word embeddings that they refer to: float32 vectors of the text encoder's width."""

    rows: tuple[PlanRow, ...]
    words: Mapping[str, Vector]
