"""Computations shared by both halves of guidance are done once, with the same predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks_perf.operations import operations
from methods.guided_unet import guided_unet
from methods.mini_sd.architecture import build_unet as build_mini_unet
from methods.random_checkpoint import STABLE_DIFFUSION, TINY, build_unet


def _tiny() -> nn.Module:
    module: nn.Module = build_unet(TINY)
    return module


@pytest.mark.parametrize("build", [_tiny, build_mini_unet])
def test_predictions_are_those_of_the_whole_network(build: Callable[[], Any]) -> None:
    torch.manual_seed(0)
    unet = build().requires_grad_(False).eval()
    channels, width = unet.config.in_channels, unet.config.cross_attention_dim
    latents, context = torch.randn(3, channels, 8, 8).repeat(2, 1, 1, 1), torch.randn(6, 5, width)
    expected = unet(latents, 500, encoder_hidden_states=context).sample
    prediction = guided_unet(unet)(latents, 500, encoder_hidden_states=context).sample
    torch.testing.assert_close(prediction, expected, atol=1e-5, rtol=1e-5)
    assert (prediction[:3] - prediction[3:]).abs().max() > 0.01  # the text has an effect


def test_the_weights_are_shared() -> None:
    unet = _tiny()
    assert {id(tensor) for tensor in guided_unet(unet).parameters()} == {id(tensor) for tensor in unet.parameters()}


def test_at_stable_diffusions_size_a_fortieth_is_saved() -> None:
    with torch.device("meta"):
        unet = build_unet(STABLE_DIFFUSION)
    latents, context = torch.empty(2, 4, 64, 64), torch.empty(2, 77, 768)
    whole, saving = (operations(each, latents, torch.ones(2), context) for each in (unet, guided_unet(unet)))
    assert 0.97 < saving / whole < 0.98
