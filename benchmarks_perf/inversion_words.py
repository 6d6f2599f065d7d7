"""Whether words learned together draw their classes as well as words learned by the published loop, on mini_sd.

python -m benchmarks_perf.inversion_words methods/mini_sd/weights training/oracle
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks_perf.plain_inversion import PlainInversion
from datasets.mini_focus import CATEGORIES, render
from datasets.scripts import run_script
from methods.generator import Generator
from methods.mini_sd.held_out import lessons, pictures_of_words, print_shares, seeds_of_words, shares_read
from methods.mini_sd.oracle import load_oracle
from methods.mini_sd.sampling import GUIDANCE_SCALE, SEED, open_pipeline
from methods.settings import GeneratorSettings, TextualInversionSettings
from methods.textual_inversion import learn_words

STRENGTH = 0.7


def main(
    weights: Path,
    oracle: Path,
    shots: Annotated[int, typer.Option(help="pictures each word is learned from")] = 4,
    steps: int = 150,
    learning_rate: float = 1e-2,
    samples: Annotated[int, typer.Option(help="pictures per class")] = 50,
    seed: int = SEED,
) -> None:
    """Learn the classes' words our way and as published, from the same random draws, and compare their pictures.

    The oracle, a network that reads class and location from a picture, judges them.

    The published loop computes in float32, ours in what suits the machine best, so the words diverge through rounding.
    """
    settings = TextualInversionSettings(steps=steps, batch_size=4, learning_rate=learning_rate)
    guides, seeds = lessons(shots, seed)[: len(CATEGORIES)], seeds_of_words(seed)[: len(CATEGORIES)]
    images = [[render(scene) for scene in own] for own in guides]
    generator = Generator(GeneratorSettings(str(weights), resolution=64))
    plain = PlainInversion(weights, torch.float32)
    ways = {
        f"all together, {generator.dtype}": lambda: learn_words(generator, images, settings, seeds),
        "one by one, as published, torch.float32": lambda: np.stack(
            [plain.learn(own, settings, 64, of_class) for own, of_class in zip(images, seeds, strict=True)]
        ),
    }
    judge = load_oracle(oracle)
    for how, learn in ways.items():
        began = time.perf_counter()
        words = learn()
        seconds = time.perf_counter() - began
        drawn = pictures_of_words(open_pipeline(weights), words, guides, samples, STRENGTH, GUIDANCE_SCALE)
        shares = [[shares_read(judge, pictures, label) for pictures in both] for label, both in enumerate(drawn)]
        print_shares(f"{how} ({seconds:.0f} s), mean of {len(words)} words", STRENGTH, np.mean(shares, axis=0))


if __name__ == "__main__":
    run_script(main)
