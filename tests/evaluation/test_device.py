"""Which device is chosen, even if there is a GPU that cannot compute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from datasets.errors import UserError
from evaluation import device


@pytest.fixture(autouse=True)
def a_gpu_that_was_never_tried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    device._gpu_computes.cache_clear()
    yield
    device._gpu_computes.cache_clear()


def fail(message: str) -> None:
    raise RuntimeError(message)


def test_a_gpu_that_computes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_run_a_kernel", lambda: None)
    assert device.default_device() == torch.device("cuda")


@pytest.mark.parametrize(
    ("kernel", "fractions"), [("6.6.87.2-microsoft-standard-WSL2", [0.95 * 6 / 8]), ("6.1.0-40-amd64", [])]
)
def test_in_wsl_it_is_kept_to_its_own_memory(
    kernel: str, fractions: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under WSL a process could allocate more than the GPU has, and slow down instead of using smaller batches."""
    limits: list[float] = []
    monkeypatch.setattr(device, "_run_a_kernel", lambda: None)
    monkeypatch.setattr(device, "release", lambda: kernel)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (6 * 2**30, 8 * 2**30))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", limits.append)
    assert device.default_device().type == "cuda"
    assert limits == fractions


def test_one_that_pytorch_was_not_built_for_leaves_the_cpu(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    message = "CUDA error: no kernel image is available for execution on the device\nSearch for `cudaErrorNoKernel…"
    monkeypatch.setattr(device, "_run_a_kernel", lambda: fail(message))
    assert [device.default_device().type for _ in range(2)] == ["cpu", "cpu"]
    (line,) = caplog.messages  # reported only once
    assert line.startswith("this PyTorch was not built for this GPU: using the CPU instead")


def test_one_that_takes_no_work_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = "CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel errors might be"
    monkeypatch.setattr(device, "_run_a_kernel", lambda: fail(busy))
    with pytest.raises(UserError, match=r"^the GPU cannot be used \(CUDA error: CUDA-capable.*CUDA_VISIBLE_DEVICES"):
        device.default_device()


@pytest.mark.skipif(torch.cuda.device_count() > 0, reason="there is a GPU")
@pytest.mark.skipif(torch.version.cuda is None, reason="PyTorch is not built for CUDA")
def test_the_kernel_is_really_run() -> None:
    with pytest.raises(UserError, match="NVIDIA driver"):
        device.default_device()
