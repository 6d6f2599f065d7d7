"""How long a new process waits for its first image and first step of words: uncompiled, compiled, and from the cache.

Compiling pays if it takes less time than it saves, and its cache only if the next process finds it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
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
TITLES = ("networks", "opened", "first image", "first step of words", "AOTAutograd cache", "FX graph cache")


def main(size: SizeName = "small", checkpoint: Checkpoint = "") -> None:
    """Time a new process for each way, which takes minutes; the cache of the compiled ways is empty at first."""
    chosen = chosen_size(size, checkpoint)
    lines: list[tuple[str, ...]] = [TITLES]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        for way, choice in WAYS.items():
            generator = replace(chosen.generator, compile=choice)
            lines.append((way, *in_own_process(_waits_and_caches, replace(chosen, generator=generator))))
    print(f"{machine()}\n\n{aligned(lines)}")


def _waits_and_caches(size: Size) -> tuple[str, ...]:
    """A line of the table, without its name."""
    waits = [f"{wait:.3g} s" for wait in first_waits(size)]
    return (*waits, *graphs_found())


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


def graphs_found() -> tuple[str, str]:
    """How many graphs this process found in AOTAutograd's cache and in the FX graph cache, such as `3 of 5`.

    A graph in the first is not traced again, one in the second is not compiled again; a wait despite both has another
    cause.
    """
    from torch._dynamo.utils import counters

    return (
        _found(counters["aot_autograd"], "autograd_cache"),
        _found(counters["inductor"], "fxgraph_cache"),
    )


def _found(counts: Mapping[str, int], cache: str) -> str:
    found, *others = (counts[f"{cache}_{end}"] for end in ("hit", "miss", "bypass"))
    return f"{found} of {found + sum(others)}"


if __name__ == "__main__":
    run_script(main)
