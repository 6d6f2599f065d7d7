"""Image-to-image with DIAGen's settings: one pipeline call per image, as in the published code, against batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from benchmarks_perf import seconds
from benchmarks_perf.command import run_alone
from benchmarks_perf.measurement import Measurement, counted_text
from benchmarks_perf.operations import decoder_operations, encoder_operations, guided_operations
from benchmarks_perf.photos import photo
from benchmarks_perf.plain_pipeline import open_plain_pipeline, plain_dtype
from benchmarks_perf.sizes import Size
from evaluation.device import dtype_name
from methods.generator import Generator
from methods.plan import PlanRow
from methods.schedulers import fresh_scheduler, times_from

STEPS, STRENGTH, GUIDANCE_SCALE = 50, 0.7, 15.0
"""DIAGen's settings, which make 35 denoising steps."""

IMAGES_PER_GUIDE = 10


def measure(size: Size) -> Measurement:
    """Time guided edits of photos; our way comes first, so that it has the device's memory to itself."""
    generator, resolution = Generator(size.generator), size.generator.resolution
    first_image(generator, size.guide_width)
    threads = torch.get_num_threads() if generator.device.type == "cpu" else 1
    rows = _rows(size.rounds * threads * generator.batch_size)
    guides = _guides(rows, size.guide_width)
    ours = seconds(lambda: list(generator.generate(rows, {}, guides))) / len(rows)
    # PNDM evaluates its second time step twice.
    evaluations = len(times_from(fresh_scheduler(generator.model.scheduler, STEPS), STRENGTH, STEPS))
    counted = (
        evaluations * guided_operations(generator.model, resolution)
        + decoder_operations(generator.model, resolution)
        + encoder_operations(generator.model, resolution) * len(guides) / len(rows)
    )
    return Measurement(
        name="generation",
        work=f"{int(STEPS * STRENGTH)} guided steps at {resolution} px",
        note=f"{counted_text(counted)} an image; {len(rows)} images {generator.batch_size} at a time in "
        f"{dtype_name(generator.dtype)}, against {size.plain_images} by diffusers' pipeline in "
        f"{dtype_name(plain_dtype())}",
        unit="image",
        plain=_plain_seconds(generator.folder, rows[: size.plain_images], guides, resolution),
        ours=ours,
        operations=counted,
        dtype=generator.dtype,
        rates={"image": ours},
    )


def first_image(generator: Generator, guide_width: int) -> None:
    """Make one image, to open and compile the networks and to halve a batch size that does not fit."""
    rows = _rows(1)
    list(generator.generate(rows, {}, _guides(rows, guide_width)))


def _rows(count: int) -> list[PlanRow]:
    return [
        PlanRow(i // IMAGES_PER_GUIDE, 0, f"a photo {i}", "", STRENGTH, GUIDANCE_SCALE, STEPS, seed=i)
        for i in range(count)
    ]


def _guides(rows: Sequence[PlanRow], width: int) -> dict[int, Image.Image]:
    return {guide: photo(width, guide) for guide in {row.guide for row in rows}}


def _plain_seconds(folder: Path, rows: Sequence[PlanRow], guides: Mapping[int, Image.Image], resolution: int) -> float:
    """Seconds per image of diffusers' pipeline, called once for each image; float16 on a GPU."""
    pipeline = open_plain_pipeline(folder, plain_dtype(), plain_dtype())

    def make(row: PlanRow, steps: int) -> None:
        pipeline(
            row.prompt,
            image=guides[row.guide].resize((resolution, resolution)),
            strength=row.strength,
            guidance_scale=row.guidance_scale,
            num_inference_steps=steps,
            generator=torch.Generator().manual_seed(row.seed),
        )

    make(rows[0], steps=5)  # the first call is slower
    return sum(seconds(partial(make, row, row.steps)) for row in rows) / len(rows)


if __name__ == "__main__":
    run_alone(measure)
