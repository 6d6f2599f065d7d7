"""A module as a compiler sees it, without the minutes that compiling takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def traced(module: nn.Module) -> Callable[..., Any]:
    """Calls the graph that would be compiled; fails where there is not one of the whole module."""
    torch.compiler.reset()  # what other tests traced counts towards PyTorch's limit of a function's graphs
    call: Callable[..., Any] = torch.compile(module.forward, backend="eager", fullgraph=True)
    return call
