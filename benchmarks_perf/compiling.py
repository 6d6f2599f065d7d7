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
TITLES = ("networks", "opened", "first image", "first step of words", "graphs found in the cache")


def main(size: SizeName = "small", checkpoint: Checkpoint = "") -> None:
    """Time a new process for each way, which takes minutes; the cache of the compiled ways is empty at first."""
    chosen = chosen_size(size, checkpoint)
    lines: list[tuple[str, ...]] = [TITLES]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        for way, choice in WAYS.items():
            generator = replace(chosen.generator, compile=choice)
            waits, found = in_own_process(first_waits, replace(chosen, generator=generator))
            lines.append((way, *(f"{wait:.3g} s" for wait in waits), found))
    print(f"{machine()}\n\n{aligned(lines)}")


def first_waits(size: Size) -> tuple[tuple[float, float, float], str]:
    """Seconds to open the checkpoint, to make the first image (a full batch), and for one step of words.

    Beside them: how many of the compiled graphs were found in the cache.
    """
    generator = Generator(size.generator)
    images = [[photo(size.guide_width, label)] for label in range(size.classes)]
    one_step = replace(size.inversion, steps=1)
    waits = (
        seconds(lambda: generator.model),
        seconds(lambda: first_image(generator, size.guide_width)),
        seconds(lambda: learn_words(generator, images, one_step, range(size.classes))),
    )
    return waits, _graphs_found()


def _graphs_found() -> str:
    """What this process found in the compiler's cache, as `3 of 5`: a wait despite a full cache has another cause."""
    from torch._dynamo.utils import counters

    hits, misses, bypasses = (counters["inductor"][f"fxgraph_cache_{end}"] for end in ("hit", "miss", "bypass"))
    return f"{hits} of {hits + misses + bypasses}"


if __name__ == "__main__":
    run_script(main)
