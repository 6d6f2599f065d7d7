"""The oracle that judges generated pictures: a small ResNet that reads a scene's attributes from pixels.

python -m methods.mini_sd.corpus training/oracle_corpus --count 40000 --seed 1 --held-out
python -m methods.mini_sd.oracle training/oracle_corpus training/oracle
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import timm
import torch
import typer
from torch import Tensor, nn

from datasets.errors import UserError
from datasets.mini_focus import CATEGORIES, HELD_OUT, LOCATIONS, TIMES, WEATHERS
from datasets.scripts import run_script
from evaluation.device import default_device
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.muon import optimizers
from methods.mini_sd.training import generator_of, mixed_precision, pixels_of, train

ATTRIBUTES = {
    "category": (*CATEGORIES, *HELD_OUT), "location": LOCATIONS, "weather": WEATHERS, "time": TIMES
}  # fmt: skip
VALIDATION_SIZE = 2000


class Oracle(nn.Module):
    """Logits for each attribute from pixels in [-1, 1], shape (N, 3, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = timm.create_model("resnet10t", num_classes=sum(map(len, ATTRIBUTES.values())))

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        logits = self.body(pixels).float().split([len(words) for words in ATTRIBUTES.values()], dim=1)
        return dict(zip(ATTRIBUTES, logits, strict=True))

    @torch.inference_mode()
    def read(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The most likely index of each attribute for uint8 images (N, 64, 64, 3)."""
        self.eval()
        parts = [
            self(pixels_of(images[i : i + 64]).to(next(self.parameters()).device)) for i in range(0, len(images), 64)
        ]
        return {name: torch.cat([part[name].argmax(1) for part in parts]).cpu().numpy() for name in ATTRIBUTES}


def main(
    corpus: Path,
    out: Path,
    steps: Annotated[int, typer.Option(help="optimiser steps")] = 1500,
    batch_size: int = 64,
    seed: int = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves the number to PyTorch")] = 0,
) -> None:
    """Train the oracle on CORPUS, or resume from OUT, and print its accuracy on held-out pictures."""
    if threads:
        torch.set_num_threads(threads)
    device = default_device()
    torch.manual_seed(seed)
    oracle = Oracle().to(device)
    images, scenes = load_corpus(corpus)
    truth = {name: torch.tensor([words.index(s[name]) for s in scenes]) for name, words in ATTRIBUTES.items()}

    def loss_of_step(step: int) -> Tensor:
        oracle.train()
        draw = generator_of(seed, step)
        chosen = torch.randint(len(images) - VALIDATION_SIZE, (batch_size,), generator=draw)
        pixels = _disturbed(pixels_of(images[chosen.numpy()]), draw).to(device)
        with mixed_precision(device):
            logits = oracle(pixels)
        losses = [nn.functional.cross_entropy(logits[name], truth[name][chosen].to(device)) for name in ATTRIBUTES]
        return torch.stack(losses).sum()

    def report() -> str:
        readings = oracle.read(images[-VALIDATION_SIZE:])
        return " ".join(f"{n} {np.mean(readings[n] == truth[n][-VALIDATION_SIZE:].numpy()):.3f}" for n in ATTRIBUTES)

    train(out, [oracle], optimizers([oracle], 0.02, 1e-3), loss_of_step, steps, report)
    torch.save(oracle.state_dict(), out / "oracle.pt")


def load_oracle(folder: Path) -> Oracle:
    """Load the trained oracle of a folder; raises `UserError` if there is none."""
    if not (folder / "oracle.pt").exists():
        raise UserError(f"no oracle in {folder}: run python -m methods.mini_sd.oracle CORPUS {folder}")
    oracle = Oracle()
    oracle.load_state_dict(torch.load(folder / "oracle.pt", map_location="cpu", weights_only=True))
    return oracle.eval().to(default_device())


def _disturbed(pixels: Tensor, draw: torch.Generator) -> Tensor:
    """Add slight blur and noise, so that a codec's artefacts do not confuse the oracle."""
    blurred = nn.functional.avg_pool2d(nn.functional.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    share = torch.rand(len(pixels), 1, 1, 1, generator=draw)
    noise = torch.randn(pixels.shape, generator=draw) * 0.1 * torch.rand(len(pixels), 1, 1, 1, generator=draw)
    return pixels.lerp(blurred, share) + noise


if __name__ == "__main__":
    run_script(main)
