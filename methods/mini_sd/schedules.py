"""How faster samplers and fewer steps affect mini_sd's pictures: the oracle's readings, precision and recall.

python -m methods.mini_sd.schedules methods/mini_sd/weights training/oracle

Each schedule edits the same renders with prompts for another location, as DIAGen does, in the suite's own generator.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from datasets.scripts import run_script
from evaluation.arrays import Pixels
from evaluation.backbones import load_backbone
from evaluation.precision_recall import precision_recall
from methods.generator import Generator
from methods.mini_sd.oracle import load_oracle
from methods.mini_sd.sampling import GUIDANCE_SCALE, agreement, moved_elsewhere, prompts_of, renders_of, scenes_of
from methods.mini_sd.usefulness import IMAGE_SIZE, features
from methods.plan import PlanRow
from methods.settings import GeneratorSettings

SCHEDULES = (
    ("ddim", 50, 0.0),
    ("ddim", 20, 0.0),
    ("ddim", 20, 0.5),
    ("ddim", 20, 1.0),
    ("ddim", 10, 0.0),
    ("pndm", 50, 0.0),
    ("pndm", 20, 0.0),
    ("dpm_solver", 20, 0.0),
    ("dpm_solver", 10, 0.0),
    ("unipc", 20, 0.0),
    ("unipc", 10, 0.0),
    ("unipc", 5, 0.0),
)
"""Sampler, number of steps in the whole schedule, share of fresh noise in each step; slowest first for each sampler."""
SCHEDULES_OF_STUDENTS = (("lcm", 12, 0.0), ("lcm", 6, 0.0), ("lcm", 3, 0.0))
"""For a consistency model, which needs one pass per step, even with guidance; strength 0.7 runs 8, 4 and 2 steps."""


def main(
    weights: Path,
    oracle: Path,
    samples: Annotated[int, typer.Option(help="number of edited pictures per schedule")] = 500,
    strength: float = 0.7,
    guidance_scale: float = GUIDANCE_SCALE,
    student: Annotated[
        Path | None, typer.Option(help="weights written by `train_consistency`, to be judged as well")
    ] = None,
) -> None:
    """Print a line for each schedule: seconds per image, the oracle's readings, precision and recall (k = 3)."""
    judge, backbone = load_oracle(oracle), load_backbone("efficientnet_lite0", IMAGE_SIZE)
    guides = scenes_of(samples)
    wanted = moved_elsewhere(guides)
    renders, prompts = renders_of(guides), prompts_of(wanted)
    real = features(backbone, renders_of(wanted))
    print(f"{samples} edits at strength {strength}, guidance {guidance_scale}; recall against {samples} renders")
    schedules = [(weights, *each) for each in SCHEDULES]
    schedules += [(student, *each) for each in SCHEDULES_OF_STUDENTS if student]
    for checkpoint, sampler, steps, eta in schedules:
        rows = _rows(prompts, strength, guidance_scale, steps)
        pictures, seconds = _timed(checkpoint, sampler, eta, rows, renders)
        readings = judge.read(pictures)
        shares = {name: agreement(readings, wanted, name) for name in ("category", "location", "weather", "time")}
        found = precision_recall(real, features(backbone, pictures), neighbours=3)
        read = ", ".join(f"{name} {share:.3f}" for name, share in shares.items())
        print(
            f"{sampler} {steps} steps, η {eta:g} ({int(steps * strength)} run): {seconds / samples:.4f} s an image, "
            f"{read}, precision {found.precision:.3f}, recall {found.recall:.3f}",
            flush=True,
        )


def _rows(prompts: Sequence[str], strength: float, guidance_scale: float, steps: int) -> list[PlanRow]:
    """One edit of each render with its prompt; the noise is the same for every schedule."""
    return [PlanRow(i, 0, prompt, "", strength, guidance_scale, steps, seed=i) for i, prompt in enumerate(prompts)]


def _timed(weights: Path, sampler: str, eta: float, rows: Sequence[PlanRow], renders: Pixels) -> tuple[Pixels, float]:
    """The pictures (N, 64, 64, 3) of the rows, and the seconds that they took, after a warm-up batch."""
    generator = Generator(GeneratorSettings(str(weights), resolution=64, scheduler=sampler, eta=eta))
    guides = {i: Image.fromarray(picture) for i, picture in enumerate(renders)}
    for _ in generator.generate(rows[: generator.batch_size], {}, guides):
        pass
    began = time.perf_counter()
    made = dict(generator.generate(rows, {}, guides))
    seconds = time.perf_counter() - began
    return np.stack([np.asarray(made[i]) for i in range(len(rows))]), seconds


if __name__ == "__main__":
    run_script(main)
