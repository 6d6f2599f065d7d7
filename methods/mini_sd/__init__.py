"""mini_sd: a small latent text-to-image diffusion model of the miniature world, and the scripts that made it.

Run in order: `corpus`, which renders pictures with captions; `train_autoencoder`; `train_denoiser`, which also writes
the diffusers folder `weights/`; `train_details`; `oracle`; `evaluate`. `train_consistency` distils a model that needs
few steps. Each is one resumable command; MODEL_CARD.md has the results.
"""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
"""The shipped model: an ordinary diffusers Stable Diffusion folder."""
