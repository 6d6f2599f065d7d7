"""The channels_last layer, when compiled, computes the same as PyTorch's own; uncompiled, it calls PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from methods.group_norm import ChannelsLastGroupNorm, normalise_in_channels_last
from tests.methods.traced import traced


@pytest.fixture
def norm() -> nn.GroupNorm:
    layer = nn.GroupNorm(4, 12, eps=1e-6).requires_grad_(False)
    draws = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        parameter.copy_(torch.randn(12, generator=draws))
    return layer


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("shape", [(3, 12, 8, 6), (3, 12, 20)])  # images, and positions as in attention
def test_it_equals_pytorchs(norm: nn.GroupNorm, shape: tuple[int, ...], dtype: torch.dtype, tolerance: float) -> None:
    images = 5 + 3 * torch.randn(shape, generator=torch.Generator().manual_seed(1))
    if images.ndim == 4:
        images = images.to(memory_format=torch.channels_last)
    layer = traced(ChannelsLastGroupNorm(norm.to(dtype)))
    normalised = layer(images.to(dtype))
    assert normalised.dtype == dtype
    torch.testing.assert_close(normalised, norm(images.to(dtype)), atol=tolerance, rtol=tolerance)
    if images.ndim == 4:
        assert normalised.is_contiguous(memory_format=torch.channels_last)


def test_a_far_mean_does_not_drown_the_deviation(norm: nn.GroupNorm) -> None:
    images = 3000 + torch.randn(2, 12, 8, 8, generator=torch.Generator().manual_seed(2))
    expected = norm.double()(images.double()).float()
    torch.testing.assert_close(traced(ChannelsLastGroupNorm(norm.float()))(images), expected, atol=2e-3, rtol=0)


def test_uncompiled_it_is_pytorchs(norm: nn.GroupNorm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uncompiled, each step of our own computation would allocate memory."""
    images = torch.randn(2, 12, 8, 8, generator=torch.Generator().manual_seed(4))
    assert torch.equal(ChannelsLastGroupNorm(norm)(images), norm(images))
    monkeypatch.setattr(nn.GroupNorm, "forward", lambda *_: pytest.fail("it was called"))
    traced(ChannelsLastGroupNorm(norm))(images)


def test_a_networks_norms_are_replaced_with_their_weights(norm: nn.GroupNorm) -> None:
    network = nn.Sequential(nn.Conv2d(4, 12, 1), nn.Sequential(norm, nn.SiLU())).requires_grad_(False)
    images = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    expected, weights = network(images), set(network.parameters())
    normalise_in_channels_last(network)
    assert [type(layer) for layer in network[1]] == [ChannelsLastGroupNorm, nn.SiLU]
    assert set(network.parameters()) == weights
    torch.testing.assert_close(traced(network)(images), expected, atol=1e-5, rtol=1e-5)
