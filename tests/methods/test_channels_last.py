"""A compiled network concatenates in the memory layout of the surrounding layers, with the same values."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from methods.channels_last import ConcatenateInChannelsLast


def _images(channels: int, layout: torch.memory_format) -> Tensor:
    draws = torch.Generator().manual_seed(channels)
    return torch.randn(2, channels, 4, 4, generator=draws).to(memory_format=layout)


def _graph(dimension: int, *inputs: Tensor) -> fx.GraphModule:
    with FakeTensorMode() as mode:
        fakes = [mode.from_tensor(each) for each in inputs]
        graph: fx.GraphModule = make_fx(lambda *images: torch.cat(images, dimension).relu())(*fakes)
    return graph


def _concatenations(graph: fx.GraphModule) -> list[int]:
    """The dimensions along which a graph concatenates."""
    nodes = graph.graph.find_nodes(op="call_function", target=torch.ops.aten.cat.default)
    return [node.args[1] if len(node.args) > 1 else 0 for node in nodes]


@pytest.mark.parametrize(
    ("layouts", "dimension", "rewritten"),
    [
        ((torch.channels_last, torch.channels_last), 1, -1),
        ((torch.channels_last, torch.contiguous_format), 1, -1),
        ((torch.contiguous_format, torch.contiguous_format), 1, 1),
        ((torch.channels_last, torch.channels_last), 2, 2),
    ],
)
def test_channels_are_concatenated_last_where_they_lie_last(
    layouts: tuple[torch.memory_format, torch.memory_format], dimension: int, rewritten: int
) -> None:
    channels = (3, 5) if dimension == 1 else (3, 3)
    inputs = [_images(count, layout) for count, layout in zip(channels, layouts, strict=True)]
    graph = _graph(dimension, *inputs)
    ConcatenateInChannelsLast()(graph.graph)
    graph.recompile()
    assert _concatenations(graph) == [rewritten]
    assert torch.equal(graph(*inputs), torch.cat(inputs, dimension).relu())
    for node in graph.graph.nodes:
        if node.op == "call_function":
            assert node.meta["val"].shape[0] == 2  # later passes need the value of each node


def test_what_was_compiled_is_found_again_by_the_same_pass() -> None:
    assert ConcatenateInChannelsLast().uuid() == ConcatenateInChannelsLast().uuid()
