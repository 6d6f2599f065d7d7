"""The machine that measures: its description, and its highest rate in matrix products."""

from __future__ import annotations

from functools import cache

import torch

from benchmarks_perf import seconds
from evaluation.device import default_device
from evaluation.loading import cpu_cores

_SIDE = {"cuda": 8192, "cpu": 2048}
_PRODUCTS = {"cuda": 20, "cpu": 2}
_TRIES = 3


def machine() -> str:
    """Device, CPU cores, PyTorch's threads and version."""
    device = default_device()
    gpu = f"{torch.cuda.get_device_name(device)} · " if device.type == "cuda" else ""
    cores, threads = cpu_cores(), torch.get_num_threads()
    return f"{gpu}CPU cores: {cores}, PyTorch threads: {threads} · PyTorch {torch.__version__}"


@cache
def peak(dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product on this device, with all threads; the best of several tries."""
    device = default_device()
    side, products = _SIDE[device.type], _PRODUCTS[device.type]
    one, other = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))

    def multiply() -> None:
        for _ in range(products):
            torch.mm(one, other)
        if device.type == "cuda":
            torch.cuda.synchronize()

    multiply()
    return 2.0 * side**3 * products / min(seconds(multiply) for _ in range(_TRIES))
