"""A module as a compiler sees it, without the minutes that compiling takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def traced(module: nn.Module) -> Callable[..., Any]:
    """Call the graph that would be compiled; fail if the module cannot be captured as a single graph."""
    torch.compiler.reset()  # graphs traced by other tests count towards PyTorch's limit per function
    call: Callable[..., Any] = torch.compile(module.forward, backend="eager", fullgraph=True)
    return call
