"""The device, precision and number of threads with which models run."""

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
"""Allowed values of a precision setting."""

_OF_FREE_MEMORY = 0.95
"""Share of the free GPU memory that may be used where the driver does not stop at the GPU's own memory."""

IMAGES_AT_ONCE = {"cuda": 128, "cpu": 32}
"""Images per forward pass of a backbone; larger batches are not faster on the device."""


def default_device() -> torch.device:
    """The first CUDA device if PyTorch can compute on it, else the CPU.

    Raises:
        UserError: the GPU is supported but cannot be used now, for example because another process occupies it.
    """
    import torch

    return torch.device("cuda" if torch.cuda.is_available() and _gpu_computes() else "cpu")


@cache
def _gpu_computes() -> bool:
    """Whether PyTorch was built for this GPU. Only a trial tells: an unsupported GPU also counts as available."""
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
    """Cap PyTorch at free GPU memory: on Windows a full GPU spills to system memory, slower than smaller batches."""
    import torch

    free, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(_OF_FREE_MEMORY * free / total)


def dtype_named(name: str, device: torch.device) -> torch.dtype:
    """The dtype of a name; `auto` is the fastest on a GPU, and float32, which leaves features as they are, on a CPU.

    Raises:
        UserError: a name that is not in `DTYPES`, or bfloat16 on a GPU that does not support it.
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
    """The name of a dtype without its module, such as `bfloat16`."""
    return str(dtype).removeprefix("torch.")


def half_precision() -> torch.dtype:
    """bfloat16, which has the range of float32, if the GPU supports it; float16 on older GPUs."""
    import torch

    return torch.bfloat16 if multiplies_bfloat16(torch.device("cuda")) else torch.float16


def takes_bfloat16(device: torch.device) -> bool:
    """Whether networks run in bfloat16: on any CPU, if slowly, but not on GPUs without support: cuDNN refuses."""
    return device.type != "cuda" or multiplies_bfloat16(device)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has bfloat16 instructions (on a CPU: AMX or AVX-512), which make it twice as fast as float32.

    Other devices emulate bfloat16, which is many times slower.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # missing in older PyTorch
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy of a CPU tensor on the device. From pinned memory, unlike pageable, it does not wait for a GPU's work."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def fetched_later(*tensors: torch.Tensor) -> Callable[[], Sequence[torch.Tensor]]:
    """Start copying tensors to the CPU. The returned function waits for the copies and gives them, in any thread.

    It waits for work that the GPU has been given until now, not for work that it is given afterwards.
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
    """Run each of PyTorch's CPU operations on `count` threads.

    One thread is faster for small operations, and gives the same results on any machine. Python threads that are
    started inside the context use the same number.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
