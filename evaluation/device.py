"""Where models run, in which precision, and on how many threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from platform import release
from typing import TYPE_CHECKING

from datasets.errors import UnknownName, UserError, reason_of

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

DTYPES = ("auto", "float32", "float16", "bfloat16")
"""What a setting of precision may be."""

_OF_FREE_MEMORY = 0.95
"""Share that is used where a GPU has no end of memory."""

IMAGES_AT_ONCE = {"cuda": 128, "cpu": 32}
"""Images that a backbone takes together, beyond which a device is not faster."""


def default_device() -> torch.device:
    """The first CUDA device if PyTorch can compute on it, else the CPU.

    Raises:
        UserError: the GPU would do, and takes no work now: another process has all of it, say.
    """
    import torch

    return torch.device("cuda" if torch.cuda.is_available() and _gpu_computes() else "cpu")


@cache
def _gpu_computes() -> bool:
    """Whether PyTorch was built for this GPU, tried out: one that it was not counts as available all the same."""
    try:
        _run_a_kernel()
        if "microsoft" in release().lower():
            _keep_to_its_own_memory()
    except RuntimeError as error:
        if "no kernel image" not in str(error):
            hint = "free it, or set CUDA_VISIBLE_DEVICES to another one, or to nothing to use the CPU"
            raise UserError(f"the GPU cannot be used ({reason_of(error)}): {hint}") from error
        logger.warning("this PyTorch was not built for this GPU: using the CPU instead (docs/installation.md)")
        return False
    return True


def _run_a_kernel() -> None:
    import torch

    torch.ones(1, device="cuda").item()


def _keep_to_its_own_memory() -> None:
    """On Windows a driver lends a full GPU the computer's memory, many times slower than doing less at once."""
    import torch

    free, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(_OF_FREE_MEMORY * free / total)


def dtype_named(name: str, device: torch.device) -> torch.dtype:
    """One of `DTYPES`; `auto` is the fastest of a GPU, and float32 on a CPU, where features stay what they were.

    Raises:
        UserError: none of them, or bfloat16 on a GPU that does not compute in it.
    """
    import torch

    if name not in DTYPES:
        raise UnknownName("dtype", name, DTYPES)
    if name == "auto":
        return half_precision() if device.type == "cuda" else torch.float32
    if name == "bfloat16" and not takes_bfloat16(device):
        raise UserError("this GPU does not support bfloat16: set the dtype to auto, float16 or float32")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """`bfloat16`."""
    return str(dtype).removeprefix("torch.")


def half_precision() -> torch.dtype:
    """bfloat16 where the GPU computes in it, whose range is float32's; float16 on an older one."""
    import torch

    return torch.bfloat16 if multiplies_bfloat16(torch.device("cuda")) else torch.float16


def takes_bfloat16(device: torch.device) -> bool:
    """Whether networks run in it: on any CPU, if slowly, but on no GPU without the instructions: cuDNN refuses."""
    return device.type != "cuda" or multiplies_bfloat16(device)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16, of a CPU AMX or AVX-512's: it is twice as fast then as float32.

    Others emulate it, many times slower.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older PyTorch does not tell
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


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
