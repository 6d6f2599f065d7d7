"""Textual inversion: a class after the other, against all classes in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from benchmarks_perf import seconds
from benchmarks_perf.command import run_alone
from benchmarks_perf.measurement import Measurement, counted_text
from benchmarks_perf.operations import unet_operations
from benchmarks_perf.photos import photo
from benchmarks_perf.sizes import Size
from methods.generator import Generator
from methods.settings import TextualInversionSettings
from methods.textual_inversion import learn_words

STEPS = 1000
SHOTS = 4

Images = Sequence[Sequence[Image.Image]]


def measure(size: Size) -> Measurement:
    """Time words of 1,000 steps, computed from fewer; the plain way does not compile the UNet either."""
    images = [[photo(size.guide_width, SHOTS * label + shot) for shot in range(SHOTS)] for label in range(size.classes)]
    generator = Generator(size.generator)
    ours = _seconds(generator, images, size.inversion) / len(images)
    samples = STEPS * size.inversion.batch_size
    # Forwards, and backwards to the input alone, since no weight has a gradient: as much again.
    counted = 2 * samples * unet_operations(generator.model, size.generator.resolution)
    plain = Generator(replace(size.generator, compile="never"))
    return Measurement(
        name="textual inversion",
        work=f"{STEPS:,} steps of {size.inversion.batch_size} at {size.generator.resolution} px",
        note=f"{counted_text(counted)} a class; computed from {size.inversion.steps} steps; {len(images)} classes "
        f"together, against {size.plain_classes} learned alone, without torch.compile",
        unit="class",
        plain=sum(_seconds(plain, [own], size.inversion) for own in images[: size.plain_classes]) / size.plain_classes,
        ours=ours,
        operations=counted,
        dtype=generator.dtype,
        rates={"word": ours * 4 / size.inversion.batch_size},
    )


def _seconds(generator: Generator, images: Images, settings: TextualInversionSettings) -> float:
    """Of learning all classes together in 1,000 steps: what comes before the first step counts once."""

    def learn(steps: int) -> float:
        return seconds(lambda: learn_words(generator, images, replace(settings, steps=steps), list(range(len(images)))))

    learn(1)  # opens, compiles
    first = learn(1)
    return first + (learn(settings.steps) - first) * (STEPS - 1) / (settings.steps - 1)


if __name__ == "__main__":
    run_alone(measure)
