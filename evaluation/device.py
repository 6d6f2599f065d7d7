"""Where models run, in which precision, and on how many threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datasets.errors import UnknownName

if TYPE_CHECKING:
    import torch

DTYPES = ("auto", "float32", "float16", "bfloat16")
"""What a setting of precision may be."""

IMAGES_AT_ONCE = {"cuda": 128, "cpu": 32}
"""Images that a backbone takes together, beyond which a device is not faster."""


def default_device() -> torch.device:
    """The first CUDA device if there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype_named(name: str, device: torch.device) -> torch.dtype:
    """One of `DTYPES`; `auto` is the fastest of a GPU, and float32 on a CPU, where features stay what they were.

    Raises:
        UserError: none of them.
    """
    import torch

    if name not in DTYPES:
        raise UnknownName("dtype", name, DTYPES)
    if name == "auto":
        return half_precision() if device.type == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def half_precision() -> torch.dtype:
    """bfloat16 where the GPU computes in it, whose range is float32's; float16 on an older one."""
    import torch

    # Older GPUs take bfloat16 too, and emulate it slowly.
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A CPU tensor on the device. A GPU works on meanwhile: it is waited for only by copies from pageable memory."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def fetched_later(*tensors: torch.Tensor) -> Callable[[], Sequence[torch.Tensor]]:
    """Begin to copy tensors to the CPU; any thread gets the copies by calling what is returned, which waits for them.

    It waits for what a GPU had been given until now, not for what it is given afterwards.
    """
    import torch

    if tensors[0].device.type != "cuda":
        return lambda: tensors
    copies = [tensor.to("cpu", non_blocking=True) for tensor in tensors]
    copied = torch.cuda.Event(blocking=True)
    copied.record()

    def wait() -> Sequence[torch.Tensor]:
        copied.synchronize()
        return copies

    return wait


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run PyTorch's CPU operations on so many threads each; on one, small ones are quicker, and alike on any machine.

    Python threads that are started meanwhile do so too.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
