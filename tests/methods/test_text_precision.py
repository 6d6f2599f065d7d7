"""The text encoder uses TF32 only if the UNet computes in half precision on a GPU."""

from __future__ import annotations

import pytest
import torch

from methods.text_precision import fastest_products


@pytest.mark.parametrize(
    ("device", "dtype", "precision"),
    [
        ("cuda", torch.bfloat16, "high"),
        ("cuda", torch.float16, "high"),
        ("cuda", torch.float32, "highest"),
        ("cpu", torch.bfloat16, "highest"),
    ],
)
def test_products_are_as_precise_before_and_after(device: str, dtype: torch.dtype, precision: str) -> None:
    with pytest.raises(InterruptedError), fastest_products(torch.device(device), dtype):
        assert torch.get_float32_matmul_precision() == precision
        raise InterruptedError
    assert torch.get_float32_matmul_precision() == "highest"
