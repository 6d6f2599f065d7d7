"""How long a new process waits for its first image and first step of words: uncompiled, compiled, and from the cache.

Compiling pays if it takes less time than it saves, and its cache only if the next process finds it.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace

from benchmark.table_formats import plain as aligned
from benchmarks_perf import seconds
from benchmarks_perf.command import Checkpoint, SizeName
from benchmarks_perf.generation import first_image
from benchmarks_perf.machine import machine
from benchmarks_perf.own_process import in_own_process
from benchmarks_perf.photos import photo
from benchmarks_perf.sizes import Size, chosen_size
from datasets.scripts import run_script
from methods.generator import Generator
from methods.textual_inversion import learn_words

WAYS = {"uncompiled": "never", "compiled anew": "always", "from the cache": "always"}
TITLES = ("networks", "opened", "first image", "first step of words")


def main(size: SizeName = "small", checkpoint: Checkpoint = "") -> None:
    """Time a new process for each way, which takes minutes; the cache of the compiled ways is empty at first."""
    chosen = chosen_size(size, checkpoint)
    lines: list[tuple[str, ...]] = [TITLES]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        for way, choice in WAYS.items():
            generator = replace(chosen.generator, compile=choice)
            waits = in_own_process(first_waits, replace(chosen, generator=generator))
            lines.append((way, *(f"{wait:.3g} s" for wait in waits)))
    print(f"{machine()}\n\n{aligned(lines)}")


def first_waits(size: Size) -> tuple[float, float, float]:
    """Seconds to open the checkpoint, then to make the first image (a full batch), then for one step of words."""
    generator = Generator(size.generator)
    images = [[photo(size.guide_width, label)] for label in range(size.classes)]
    one_step = replace(size.inversion, steps=1)
    return (
        seconds(lambda: generator.model),
        seconds(lambda: first_image(generator, size.guide_width)),
        seconds(lambda: learn_words(generator, images, one_step, range(size.classes))),
    )


if __name__ == "__main__":
    run_script(main)
