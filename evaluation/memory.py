"""What is done when a GPU's memory runs out: less at once, and a clear word where nothing is left to give up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from datasets.errors import UserError

logger = logging.getLogger(__name__)


def halved(size: int, what: str, lower: str, setting: str = "") -> int:
    """Half of a size that did not fit; raises `UserError` at 1.

    Args:
        size: how many were tried at once.
        what: what they are ("images").
        lower: what makes a single one smaller ("generator.resolution").
        setting: the setting that would have avoided the failed try, if there is one.
    """
    if size <= 1:
        raise UserError(f"one of the {what} does not fit into the memory of {_device()}: {_ADVICE}, or lower {lower}")
    smaller, hint = size // 2, f" ({setting})" if setting else ""
    logger.warning("%d %s at once do not fit into memory: going on with %d%s", size, what, smaller, hint)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return smaller


@contextmanager
def loading(what: str, gigabytes: float) -> Iterator[None]:
    """Turn a lack of memory while weights are loaded into a `UserError` that says how much they need."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{what} needs {gigabytes:.1f} GB for its weights alone, more than is free on {_device()}: {_ADVICE}"
        ) from error


_ADVICE = "close what else uses it or take a GPU with more memory"


def _device() -> str:
    if not torch.cuda.is_available():
        return "this machine"
    free, total = torch.cuda.mem_get_info()
    return f"{torch.cuda.get_device_name()} ({free / 2**30:.1f} of {total / 2**30:.0f} GiB free)"
