"""torch.compile where it helps, and the plain network where it cannot be used."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from datasets.cache import default_cache

if TYPE_CHECKING:
    import torch
    from torch import nn

COMPILE = ("auto", "always", "never")

logger = logging.getLogger(__name__)


def compiling(choice: str, device: torch.device) -> bool:
    """`auto` compiles on a GPU, where a minute of compiling is earned back within some hundred images."""
    return choice == "always" or (choice == "auto" and device.type == "cuda")


class CompiledNetwork:
    """Calls a module compiled, until compiling fails; says so in one line, and goes on without."""

    def __init__(self, module: nn.Module) -> None:
        import torch

        # Kept between runs: what was compiled once is loaded in seconds.
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(default_cache() / "compiled"))
        # diffusers asks for PyTorch's version by a cached function, which cannot mislead the compiler.
        warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru_cache`")
        self._module = module
        self._call: Any = torch.compile(module, dynamic=False)

    def __call__(self, *inputs: Any, **named_inputs: Any) -> Any:
        from torch._dynamo.exc import TorchDynamoException

        try:
            with _backward_at_once():
                return self._call(*inputs, **named_inputs)
        except TorchDynamoException as error:
            if self._call is self._module:
                raise
            reason = " ".join(str(error).split())[:160]
            logger.warning("torch.compile cannot be used (%s): going on without (generator.compile=never)", reason)
            self._call = self._module
            return self._call(*inputs, **named_inputs)


def _backward_at_once() -> AbstractContextManager[None]:
    """Compile the backward pass with the forward one: when it is first run, nothing catches a failure any more."""
    from torch._functorch import config

    name = "force_non_lazy_backward_lowering"
    found: AbstractContextManager[None] = config.patch(name, True) if hasattr(config, name) else nullcontext()
    return found
