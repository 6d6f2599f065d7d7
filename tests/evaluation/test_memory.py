"""Which errors count as a lack of memory, and what the messages say."""

from __future__ import annotations

import gc
import re
import weakref

import pytest
import torch

from datasets.errors import UserError
from evaluation.memory import Shortage, attempt, halved, is_out_of_memory, loading

GIB = 2**30

LACKS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 8 GiB"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("Triton Error [CUDA]: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("CUDA driver error: out of memory"),
]
if hasattr(torch, "AcceleratorError"):
    LACKS.append(torch.AcceleratorError("CUDA error: out of memory"))


def _fails(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", LACKS, ids=lambda error: f"{type(error).__name__} {str(error)[:20]}")
def test_a_lack_of_memory_is_known_whoever_noticed_it(error: RuntimeError) -> None:
    assert is_out_of_memory(error)
    assert isinstance(attempt(lambda: _fails(error)), Shortage)
    with pytest.raises(UserError, match=r"the model needs 3\.4 GB for its weights"), loading("the model", 3.4):
        raise error


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("CUDA error: out of memory")]
)
def test_other_errors_pass(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error), match=re.escape(str(error))):
        attempt(lambda: _fails(error))
    with pytest.raises(type(error), match=re.escape(str(error))), loading("the model", 3.4):
        raise error


@pytest.mark.parametrize("free", [2**28, 2**33])
@pytest.mark.parametrize(
    "message",
    [
        "GET was unable to find an engine to execute this computation",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    ],
)
def test_what_may_have_another_cause_is_a_lack_on_a_full_gpu(
    free: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 2**34))
    assert is_out_of_memory(RuntimeError(message)) is (free == 2**28)


def test_what_fits_is_returned() -> None:
    assert attempt(lambda: 3) == 3


class TestNeeds:
    """A GPU of 8 GiB, some of which is allocated."""

    @pytest.fixture
    def allocated(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
        """The memory allocated `now`, and the peak, `most`, since the last reset."""
        memory = {"now": 6 * GIB, "most": 20 * GIB}
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: memory.update(most=memory["now"]))
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: memory["now"])
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: memory["most"])
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (GIB, 8 * GIB))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        return memory

    def test_it_is_what_there_is_and_what_was_asked_for(self, allocated: dict[str, int]) -> None:
        assert attempt(lambda: _fails(LACKS[0])) == Shortage(int(8.5 * GIB))

    def test_it_is_the_most_that_there_was_where_that_is_more(self, allocated: dict[str, int]) -> None:
        def peaks() -> None:
            allocated["most"] = 9 * GIB
            raise LACKS[0]

        assert attempt(peaks) == Shortage(9 * GIB)

    def test_one_that_does_not_fit_says_what_it_needs(self, allocated: dict[str, int]) -> None:
        shortage = attempt(lambda: _fails(LACKS[0]))
        assert isinstance(shortage, Shortage)
        message = (
            "one of the images does not fit into the memory of a GPU (1.0 of 8 GiB free), "
            "it needs more than 8.5 GiB in all: close other programs that use it or take a GPU with more memory, or "
            "lower it"
        )
        with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
            halved(1, shortage, "images", "it")
        assert halved(4, shortage, "images", "it") == 2


def test_what_failed_is_gone_before_less_is_tried() -> None:
    """An error that refers to itself, as from a compiled network, keeps the tensors of the failed call alive."""
    held: list[weakref.ref[torch.Tensor]] = []

    def fails() -> None:
        tensor = torch.ones(3)
        held.append(weakref.ref(tensor))
        error = torch.OutOfMemoryError("CUDA out of memory.")
        error.inner_exception = error  # type: ignore[attr-defined]
        raise error

    gc.disable()
    try:
        shortage = attempt(fails)
        assert held[0]() is not None
        assert isinstance(shortage, Shortage)
        halved(2, shortage, "images", "it")
        assert held[0]() is None
    finally:
        gc.enable()


def test_nothing_is_said_of_needs_that_are_not_known() -> None:
    with pytest.raises(UserError) as refusal:
        halved(1, Shortage(), "images", "it")
    assert "needs" not in str(refusal.value)
