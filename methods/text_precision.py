"""How precisely the text encoder computes: in float32, whose products a GPU's tensor cores take in TF32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def takes_tf32(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the text encoder's products are in TF32, beside a UNet in `dtype`: in half precision on a GPU.

    TF32 keeps 10 bits of each factor and adds in float32: on mini_sd words' gradients change by a third of what the
    UNet's bfloat16 changes them. A UNet that computes in float32 is given float32.
    """
    return device.type == "cuda" and dtype != torch.float32


@contextmanager
def fastest_products(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """To be kept until the gradients are there. It holds for all threads: entered before them, left after them."""
    before = torch.get_float32_matmul_precision()
    if takes_tf32(device, dtype):
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
