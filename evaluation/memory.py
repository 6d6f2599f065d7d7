"""Handles a GPU that runs out of memory: retries with smaller batches, or explains why even the smallest fails."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

from datasets.errors import UserError

_SIGNS = (
    "CUDA error: out of memory",
    "Triton Error [CUDA]: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DEVICE_ALLOCATION_FAILED",
    "CUDA driver error: out of memory",
)
"""Out-of-memory messages other than PyTorch's own: of the driver, and of libraries that allocate memory themselves."""
_SIGNS_ON_A_FULL_GPU = (
    "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate",
    "unable to find an engine to execute this computation",
)
"""Messages that count as a lack of memory only on a full GPU, since a driver of the wrong version or a convolution that
cuDNN does not support also causes them."""
_FULL = 2**30
"""A GPU with fewer free bytes than this counts as full."""
_TRIED = re.compile(r"Tried to allocate ([\d.]+) (bytes|KiB|MiB|GiB)")
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shortage:
    """The result of an attempt for which memory ran out.

    needed: lower bound of the bytes needed, weights included; 0: not known.
    """

    needed: int = 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error means that a GPU's memory ran out, whichever library raised it."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    signs = _SIGNS + _SIGNS_ON_A_FULL_GPU if _is_full() else _SIGNS
    return any(sign in str(error) for sign in signs)


def _is_full() -> bool:
    return torch.cuda.is_available() and torch.cuda.mem_get_info()[0] < _FULL


def attempt(work: Callable[[], Result]) -> Result | Shortage:
    """What `work` returns, or a `Shortage` if memory ran out; by then the failed attempt's tensors are freed."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    try:
        return work()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return Shortage(_needed(error))


def halved(size: int, shortage: Shortage, what: str, lower: str, setting: str = "") -> int:
    """Half of a batch size that did not fit; raises `UserError` at 1.

    Args:
        size: the batch size that was tried.
        shortage: the result of the attempt.
        what: what the batch consists of ("images").
        lower: the setting that makes a single one smaller ("generator.resolution").
        setting: the setting that would have avoided the failed attempt, if there is one.
    """
    if size <= 1:
        raise does_not_fit(shortage, what, lower)
    smaller, hint = size // 2, f" ({setting})" if setting else ""
    logger.warning("%d %s at once do not fit into memory: going on with %d%s", size, what, smaller, hint)
    gc.collect()  # the error of a compiled network refers to itself, which keeps its tensors alive
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return smaller


def does_not_fit(shortage: Shortage, what: str, lower: str) -> UserError:
    """The error that not even one fits, with the memory it needs if known; arguments as for `halved`."""
    needs = f", it needs more than {shortage.needed / 2**30:.1f} GiB in all" if shortage.needed else ""
    return UserError(
        f"one of the {what} does not fit into the memory of {_device()}{needs}: {_ADVICE}, or lower {lower}"
    )


@contextmanager
def loading(what: str, gigabytes: float) -> Iterator[None]:
    """If memory runs out while weights are loaded, raise a `UserError` that says how much they need."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"{what} needs {gigabytes:.1f} GB for its weights alone, more than is free on {_device()}: {_ADVICE}"
        ) from error


_ADVICE = "close other programs that use it or take a GPU with more memory"


def _needed(error: RuntimeError) -> int:
    """Peak bytes allocated, or, if more, current plus requested bytes; call while the failed attempt's tensors live."""
    found = _TRIED.search(str(error))
    tried = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if not torch.cuda.is_available():
        return tried
    return max(torch.cuda.max_memory_allocated(), torch.cuda.memory_allocated() + tried)


def _device() -> str:
    if not torch.cuda.is_available():
        return "this machine"
    free, total = torch.cuda.mem_get_info()
    return f"{torch.cuda.get_device_name()} ({free / 2**30:.1f} of {total / 2**30:.0f} GiB free)"
