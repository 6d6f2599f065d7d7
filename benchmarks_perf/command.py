"""What all measuring scripts share: their options, and how they print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from benchmarks_perf.measurement import Measurement, table
from benchmarks_perf.sizes import SIZES, Size, chosen_size
from datasets.scripts import run_script

SizeName = Annotated[
    str, typer.Option(help=f"{' or '.join(SIZES)}; full takes the paper's networks and sizes and needs a GPU.")
]
Checkpoint = Annotated[
    str,
    typer.Option(
        help="Stable Diffusion checkpoint: hub name or folder; `python -m methods.random_checkpoint` makes one."
    ),
]


def run_alone(measure: Callable[[Size], Measurement]) -> None:
    """Run one part as a script of its own."""

    def main(size: SizeName = "small", checkpoint: Checkpoint = "") -> None:
        print(table([measure(chosen_size(size, checkpoint))]))

    main.__doc__ = measure.__doc__
    run_script(main)
