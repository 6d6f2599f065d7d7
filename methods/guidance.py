"""Classifier-free guidance (Ho & Salimans 2022), and its embedding in distilled checkpoints."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def guided(prediction: Tensor, scale: Tensor) -> Tensor:
    """The guided prediction for a doubled batch (2N, ...), unconditional half first; scale: (N, 1, 1, 1)."""
    unconditional, conditional = prediction.chunk(2)
    return unconditional + scale * (conditional - unconditional)


def guidance_embedding(scales: Tensor, dimension: int) -> Tensor:
    """Sines and cosines (N, dimension) of guidance scales (N,), as distilled UNets expect them (Meng et al. 2023)."""
    half = dimension // 2
    frequencies = torch.exp(torch.arange(half, device=scales.device) * -(math.log(10_000.0) / (half - 1)))
    angles = (scales.float() - 1)[:, None] * 1000.0 * frequencies[None]
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    return torch.nn.functional.pad(waves, (0, dimension % 2))
