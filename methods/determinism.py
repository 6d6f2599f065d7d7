"""The same numbers from the same numbers on a GPU too, whose fastest kernels add in an order that varies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic as in_memory


@contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """Compute without such kernels: above all without cuDNN's backward pass of attention.

    To be kept until the gradients are there. It holds for all threads: entered before them, left after them.

    Raises:
        RuntimeError: by an operation within, for which PyTorch has no other kernel.
    """
    enabled = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = in_memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)  # merely warned, PyTorch would take cuDNN's attention all the same
    in_memory.fill_uninitialized_memory = False  # which finds faults, slowly
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warned)
        in_memory.fill_uninitialized_memory = filled
