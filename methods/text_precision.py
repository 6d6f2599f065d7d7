"""The precision of the text encoder: float32, with matrix products in TF32 on a GPU's tensor cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def takes_tf32(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the text encoder's products are in TF32: on a GPU, if the UNet's `dtype` is half precision.

    TF32 keeps 10 bits of each factor's mantissa and adds in float32. On mini_sd this changes the words' gradients by a
    third of what the UNet's bfloat16 does. With a float32 UNet, products are in float32.
    """
    return device.type == "cuda" and dtype != torch.float32


@contextmanager
def fastest_products(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """A context with TF32 where `takes_tf32`, to be left only when the gradients are computed.

    It applies to all threads: enter it before they start and leave it after they end.
    """
    before = torch.get_float32_matmul_precision()
    if takes_tf32(device, dtype):
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
