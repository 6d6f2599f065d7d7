"""What a measurement is, and the table that shows measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from benchmark.table_formats import plain as aligned
from benchmarks_perf.machine import machine, peak
from evaluation.device import dtype_name

TITLES = ("work", "plain way", "ours", "ratio", "share of peak")


@dataclass(frozen=True)
class Measurement:
    """One kind of work, done the plain way and our way.

    work: what was done, in a few words.
    note: how much of it was done, and what was computed from less.
    unit: what `plain` and `ours` are seconds of ("image").
    operations: number in one unit of the work our way, with a product and its addition as two; None if not counted.
    dtype: the dtype in which the operations are computed.
    rates: seconds by name, as in `benchmark.rates.Rates`.
    """

    name: str
    work: str
    note: str
    unit: str
    plain: float
    ours: float
    operations: float | None
    dtype: torch.dtype
    rates: Mapping[str, float]


def table(measurements: Sequence[Measurement]) -> str:
    """The machine and the peak that shares refer to, then a line for each measurement, then a note on each."""
    dtypes = dict.fromkeys(measured.dtype for measured in measurements)
    peaks = ", ".join(f"{peak(dtype) / 1e12:.3g} TFLOP/s in {dtype_name(dtype)}" for dtype in dtypes)
    header = f"{machine()} · peak: {peaks} (a large matrix product, measured in this run)"
    notes = [f"{measured.name}: {measured.note}" for measured in measurements]
    return "\n".join([header, "", aligned([TITLES, *map(_line, measurements)]), "", *notes])


def counted_text(operations: float) -> str:
    """`59.9 TFLOP`."""
    for power, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G")):
        if operations >= power:
            return f"{operations / power:.3g} {prefix}FLOP"
    return f"{operations / 1e6:.3g} MFLOP"


def _line(measured: Measurement) -> tuple[str, ...]:
    seconds = (f"{_significant(value)} s/{measured.unit}" for value in (measured.plain, measured.ours))
    share = "–"
    if measured.operations is not None:
        share = f"{100 * measured.operations / measured.ours / peak(measured.dtype):.2g}%"
    return (f"{measured.name}: {measured.work}", *seconds, _significant(measured.plain / measured.ours), share)


def _significant(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
