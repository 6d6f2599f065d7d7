"""`python -m benchmarks_perf`: what costs the paper its GPU-hours, done the plain way and ours, in one table."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmark.setting_checks import parts_of
from benchmarks_perf import classifier, features, generation, textual_inversion
from benchmarks_perf.command import Checkpoint, SizeName
from benchmarks_perf.machine import machine
from benchmarks_perf.measurement import Measurement, table
from benchmarks_perf.rates_file import add_rates
from benchmarks_perf.sizes import Size, chosen_size
from datasets.errors import UnknownName
from datasets.scripts import run_script
from evaluation.device import default_device

PARTS = {
    "generation": generation.measure,
    "textual_inversion": textual_inversion.measure,
    "classifier": classifier.measure,
    "features": features.measure,
}


def main(
    size: SizeName = "small",
    checkpoint: Checkpoint = "",
    only: Annotated[
        str, typer.Option(help=f"Measure only these parts, of {', '.join(PARTS)}; separated by commas.")
    ] = "",
    save: Annotated[
        str,
        typer.Option(help="Write the measured speeds to this file, for `python -m benchmark sweep --dry-run --rates`."),
    ] = "",
) -> None:
    """Time each part of the benchmark, done the plain way and done our way, and print one table.

    Run nothing else on the machine meanwhile.
    """
    parts, chosen = _parts(only), chosen_size(size, checkpoint)
    measurements = []
    for name in parts:
        measured = _measured(name, chosen)
        measurements.append(measured)
        if save:  # after each part, so that its rates are kept if a later part fails
            device = f"{machine()} · size {size}"
            add_rates(Path(save), device, default_device().type == "cuda", measured.rates)
    print(table(measurements))


def _parts(only: str) -> Sequence[str]:
    names = parts_of(only)
    for name in names:
        if name not in PARTS:
            raise UnknownName("part", name, PARTS)
    return [name for name in PARTS if not names or name in names]


def _measured(name: str, size: Size) -> Measurement:
    started = time.perf_counter()
    print(f"{name} …", file=sys.stderr, flush=True)
    measured = PARTS[name](size)
    print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    gc.collect()  # the next part has the GPU's memory to itself
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return measured


if __name__ == "__main__":
    run_script(main)
