"""Image-to-image: one pipeline call an image, as the published code does, against plans in batches."""

from __future__ import annotations

from typing import Annotated

import torch
import typer

from benchmarks_perf import report, seconds
from datasets.base import DATASETS
from datasets.few_shot import few_shot_task
from evaluation.device import default_device
from methods.generator import Generator
from methods.plan import PlanRow
from methods.settings import GeneratorSettings


def main(
    checkpoint: str = "mini_sd",
    resolution: int = 64,
    images: int = 32,
    batch_size: int = 16,
    steps: Annotated[int, typer.Option(help="length of the schedule")] = 20,
    strength: float = 0.7,
) -> None:
    """Time `images` guided edits of mini_focus guides."""
    from diffusers import StableDiffusionImg2ImgPipeline

    generator = Generator(GeneratorSettings(checkpoint, resolution, batch_size))
    task = few_shot_task("mini_focus", DATASETS["mini_focus"](), 4, 0)
    guides = {i: task.image(example) for i, example in enumerate(task.train)}
    rows = [PlanRow(i % len(guides), 0, f"a photo {i}", "", strength, 4.0, steps, seed=i) for i in range(images)]
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(
        generator.folder, torch_dtype=generator.dtype, safety_checker=None
    ).to(default_device())
    pipeline.set_progress_bar_config(disable=True)

    def one_a_call() -> None:
        for row in rows:
            pipeline(
                row.prompt,
                image=guides[row.guide].resize((resolution, resolution)),
                strength=row.strength,
                guidance_scale=row.guidance_scale,
                num_inference_steps=row.steps,
                generator=torch.Generator().manual_seed(row.seed),
            )

    def in_batches() -> None:
        for _ in generator.generate(rows, {}, guides):
            pass

    next(iter(generator.generate(rows[:1], {}, guides)))  # opens the checkpoint
    report(f"{images} images", seconds(one_a_call) / images, seconds(in_batches) / images, "s an image")


if __name__ == "__main__":
    typer.run(main)
