"""Seeded random numbers for torch code that accepts no generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class SeededDraws(TorchFunctionMode):
    """A context in which `torch.randint` draws the same integers as after `torch.manual_seed(seed)`.

    The global generator is neither read nor changed, and other threads are not affected.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.randint:
            return func(*args, **{**(kwargs or {}), "generator": self._generator})
        return func(*args, **(kwargs or {}))
