"""Compiled networks make the same images; if compiling fails, one line says so and the run continues."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._inductor.runtime.cache_dir_utils import default_cache_dir

from evaluation.memory import Shortage, attempt
from methods.compiled import CompiledNetwork, announce_compiling, compiling


def test_auto_compiles_on_a_gpu_only_and_large_images_only() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    choices = ("auto", "always", "never")
    assert [compiling(choice, cpu, 512) for choice in choices] == [False, True, False]
    assert [compiling(choice, gpu, 512) for choice in choices] == [True, True, False]
    assert [compiling(choice, gpu, 64) for choice in choices] == [False, True, False]


@pytest.mark.parametrize("said_by_pytorch", [True, False])
def test_one_line_says_that_it_takes_minutes_and_that_it_is_kept_in_the_store(
    said_by_pytorch: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", default_cache_dir() if said_by_pytorch else "")
    announce_compiling()
    (message,) = caplog.messages
    assert "minutes the first time" in message and f"{tmp_path}/compiled" in message
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "compiled")


def test_it_is_kept_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "compiled-here")
    announce_compiling()
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "compiled-here"


def test_a_machine_without_a_compiler_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from torch._dynamo.exc import TorchDynamoException

    def broken(*_arguments: object, **_named: object) -> object:
        def call(*_inputs: object) -> object:
            raise TorchDynamoException("no C++ compiler\nwas found")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    linear = nn.Linear(2, 2)
    network, inputs = CompiledNetwork(linear), torch.ones(1, 2)
    with caplog.at_level(logging.WARNING):
        results = [network(inputs) for _ in range(2)]
    for result in results:
        assert torch.equal(result, linear(inputs))
    assert len(caplog.records) == 1
    assert "no C++ compiler was found" in caplog.text


def test_a_backward_pass_that_cannot_be_compiled_is_noticed_in_the_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from torch._dynamo.backends.common import aot_autograd
    from torch._functorch import config
    from torch._functorch.aot_autograd import make_boxed_func

    def forward(graph: Any, _inputs: object) -> Any:
        return make_boxed_func(graph.forward)

    def backward(_graph: object, _inputs: object) -> object:
        raise NotImplementedError("no kernel for the backward pass")

    backend = aot_autograd(fw_compiler=forward, bw_compiler=backward)
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    linear = nn.Linear(2, 2).requires_grad_(False)
    network, inputs = CompiledNetwork(linear), torch.ones(1, 2, requires_grad=True)
    with caplog.at_level(logging.WARNING, logger="methods.compiled"):
        gradients = [torch.autograd.grad(network(inputs).sum(), inputs)[0] for _ in range(2)]
    for gradient in gradients:
        assert torch.equal(gradient, linear.weight.sum(dim=0, keepdim=True))
    assert [record.message for record in caplog.records if record.name == "methods.compiled"] == [caplog.messages[-1]]
    assert "no kernel for the backward pass" in caplog.messages[-1]
    assert not config.force_non_lazy_backward_lowering


def test_a_network_is_compiled_for_more_shapes_than_pytorch_allows_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches vary in size and come from any thread; PyTorch's own limit would leave all but eight uncompiled."""
    compiled = []

    def backend(graph: Any, _inputs: object) -> Any:
        compiled.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    network, sizes = CompiledNetwork(nn.Sequential(nn.Linear(2, 2), nn.ReLU())), range(2, 14)
    with ThreadPoolExecutor(1) as pool:
        for size in sizes:
            pool.submit(network, torch.ones(size, 2)).result()
    assert len(compiled) == len(sizes)


def test_memory_that_runs_out_while_compiling_is_no_failure_to_compile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller tries a smaller batch, which is also compiled."""
    compiled = []

    def backend(graph: Any, inputs: list[torch.Tensor]) -> Any:
        if any(len(tensor) == 8 for tensor in inputs):
            raise torch.OutOfMemoryError("CUDA out of memory")
        compiled.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    network = CompiledNetwork(nn.Linear(2, 2))
    assert isinstance(attempt(lambda: network(torch.ones(8, 2))), Shortage)
    assert network(torch.ones(4, 2)).shape == (4, 2)
    assert len(compiled) == 1
    assert "torch.compile cannot be used" not in caplog.text


def test_an_error_of_the_network_itself_is_not_taken_for_the_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda module, **_named: module)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        CompiledNetwork(nn.Linear(2, 2))(torch.ones(1, 3))
