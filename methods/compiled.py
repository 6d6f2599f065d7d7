"""Uses torch.compile where it helps, and the plain network where compiling fails."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.cache import default_cache
from datasets.errors import reason_of

if TYPE_CHECKING:
    import torch
    from torch import nn

COMPILE = ("auto", "always", "never")

_PIXELS_THAT_PAY = 256
"""Side of images from which `auto` compiles. mini_sd's 64-pixel images take milliseconds, compiling takes minutes."""

_SHAPES = 64
"""How many shapes a network may be compiled for: several batch sizes, each for guidance, learning and comparing tries.
Beyond PyTorch's default of eight, it would silently run uncompiled."""

_CACHE = "TORCHINDUCTOR_CACHE_DIR"

logger = logging.getLogger(__name__)


def compiling(choice: str, device: torch.device, resolution: int) -> bool:
    """Whether to compile. `auto`: large images on a GPU; at 512 pixels, 600 to 1,800 images earn back the minutes."""
    return choice == "always" or (choice == "auto" and device.type == "cuda" and resolution >= _PIXELS_THAT_PAY)


def announce_compiling() -> None:
    """Log one line, so that minutes of silence are not taken for a hang."""
    message = "compiling the networks: minutes the first time, then kept in %s (generator.compile=never skips it)"
    logger.warning(message, _keep_in_store())


def _keep_in_store() -> str:
    """Keep compiled code in a folder where the next process finds it in seconds; returns the folder.

    The folder is in the store, unless the user set another one.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    said = os.environ.get(_CACHE)
    # PyTorch itself sets the variable to its default folder as soon as parts of it are imported.
    if not said or Path(said) == Path(default_cache_dir()).absolute():
        os.environ[_CACHE] = str(default_cache() / "compiled")
    return os.environ[_CACHE]


class CompiledNetwork:
    """Calls a module compiled. If compiling fails, it warns in one line and calls the module uncompiled from then on.

    The store keeps both kinds of results under the same address, since they differ only by rounding.
    """

    def __init__(self, module: nn.Module) -> None:
        import torch

        _keep_in_store()
        # The cached function is diffusers' check of PyTorch's version, which is safe to trace.
        warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru_cache`")
        self._module = module
        self._call: Any = torch.compile(module, dynamic=False)

    def __call__(self, *inputs: Any, **named_inputs: Any) -> Any:
        from torch._dynamo.exc import TorchDynamoException

        from evaluation.memory import is_out_of_memory

        try:
            with _compiling():
                return self._call(*inputs, **named_inputs)
        except TorchDynamoException as error:
            cause = getattr(error, "inner_exception", error)
            if self._call is self._module or is_out_of_memory(cause):
                raise cause from None
            message = (
                "torch.compile cannot be used (%s): going on without it, as generator.compile=never does; "
                "it needs a C compiler and Python's header files"
            )
            logger.warning(message, reason_of(cause))
            self._call = self._module
            return self._call(*inputs, **named_inputs)


@contextmanager
def _compiling() -> Iterator[None]:
    """The compiler's settings, set for each call because a thread does not see what another one configured.

    The backward pass is compiled with the forward pass: a failure when it first runs would not be caught.
    """
    import torch
    from torch._dynamo import config as shapes
    from torch._functorch import config as passes
    from torch._inductor import config as kernels

    backward_at_once = "force_non_lazy_backward_lowering"
    with ExitStack() as settings:
        settings.enter_context(shapes.patch(recompile_limit=_SHAPES))
        if hasattr(passes, backward_at_once):
            settings.enter_context(passes.patch(backward_at_once, True))
        if torch.__version__ < "2.14":
            from methods.channels_last import ConcatenateInChannelsLast

            settings.enter_context(kernels.patch(post_grad_custom_pre_pass=ConcatenateInChannelsLast()))
        yield
