"""Textual inversion: one class after the other as in the published code, against all classes in one batch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks_perf import seconds
from benchmarks_perf.command import run_alone
from benchmarks_perf.measurement import Measurement, counted_text
from benchmarks_perf.operations import unet_operations
from benchmarks_perf.photos import OpenedAgain, photo_files
from benchmarks_perf.plain_inversion import PlainInversion
from benchmarks_perf.plain_pipeline import plain_dtype
from benchmarks_perf.sizes import Size
from datasets.images import load_rgb
from evaluation.device import dtype_name
from methods.generator import Generator
from methods.settings import TextualInversionSettings
from methods.textual_inversion import learn_words

STEPS = 1000
SHOTS = 4

Files = Sequence[Sequence[Path]]
"""The image files of each class."""


def measure(size: Size) -> Measurement:
    """Time words of 1,000 steps, computed from fewer; our way comes first, to have the device's memory to itself."""
    with tempfile.TemporaryDirectory() as folder:
        photos = photo_files(Path(folder), size.classes * SHOTS, size.guide_width)
        return _measured(size, [photos[at : at + SHOTS] for at in range(0, len(photos), SHOTS)])


def _measured(size: Size, files: Files) -> Measurement:
    generator, resolution = Generator(size.generator), size.generator.resolution
    ours = _seconds(partial(_learn_together, generator, files, size.inversion), size.inversion.steps) / len(files)
    samples = STEPS * size.inversion.batch_size
    # Forward, and backward to the input only, since no weight has a gradient: as much again.
    counted = 2 * samples * unet_operations(generator.model, resolution)
    alone = files[: size.plain_classes]
    plain = PlainInversion(generator.folder, plain_dtype())
    learn_alone = partial(_learn_one_by_one, plain, alone, size.inversion, resolution)
    return Measurement(
        name="textual inversion",
        work=f"{STEPS:,} steps of {size.inversion.batch_size} at {resolution} px",
        note=f"{counted_text(counted)} a class; computed from {size.inversion.steps} steps; {len(files)} classes "
        f"together, against {size.plain_classes} learned one by one as by the published command: each image opened, "
        "resized and encoded at every step, activations computed twice, the whole token matrix trained, "
        f"{dtype_name(plain_dtype())}",
        unit="class",
        plain=_seconds(learn_alone, size.inversion.steps) / len(alone),
        ours=ours,
        operations=counted,
        dtype=generator.dtype,
        rates={"word": ours * 4 / size.inversion.batch_size},
    )


def _learn_together(generator: Generator, files: Files, settings: TextualInversionSettings, steps: int) -> None:
    images = [[load_rgb(path) for path in own] for own in files]
    learn_words(generator, images, replace(settings, steps=steps), range(len(images)))


def _learn_one_by_one(
    plain: PlainInversion, files: Files, settings: TextualInversionSettings, resolution: int, steps: int
) -> None:
    for seed, own in enumerate(files):
        plain.learn(OpenedAgain(own), replace(settings, steps=steps), resolution, seed)


def _seconds(learn: Callable[[int], None], steps: int) -> float:
    """Seconds for 1,000 steps, computed from fewer: the remaining ones are as fast as the second half of `steps`."""
    learn(1)  # opens and compiles the networks
    half = steps // 2
    before, whole = seconds(lambda: learn(half)), seconds(lambda: learn(steps))
    # On a busy machine, a few short steps may by chance take less time than half of them.
    each = (whole - before) / (steps - half) if whole > before else whole / steps
    return whole + each * (STEPS - steps)


if __name__ == "__main__":
    run_alone(measure)
