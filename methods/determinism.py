"""Makes results reproducible on a GPU, whose fastest kernels add in an order that varies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic as in_memory


@contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """A context without kernels whose order of adding varies, above all without cuDNN's backward pass of attention.

    Leave it only when the gradients are computed. It applies to all threads: enter it before they start and leave it
    after they end.

    Raises:
        RuntimeError: an operation in the context for which PyTorch has no deterministic kernel.
    """
    enabled = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = in_memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)  # with warn_only PyTorch would still use cuDNN's attention
    in_memory.fill_uninitialized_memory = False  # slow, and only for finding bugs
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warned)
        in_memory.fill_uninitialized_memory = filled
