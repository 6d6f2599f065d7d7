"""The text's keys and values for all layers at once: the same predictions and gradients as computing them per layer."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from methods.cross_attention import take_out_text_projections
from methods.random_checkpoint import TINY, build_unet


@pytest.fixture
def unet() -> nn.Module:
    torch.manual_seed(0)
    module: nn.Module = build_unet(TINY).requires_grad_(False).eval()
    return module


def _inputs() -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(1)
    return torch.randn(2, 4, 8, 8, generator=draws), torch.randn(2, 5, TINY.text, generator=draws)


def test_predictions_and_gradients_are_those_of_the_whole_network(unet: nn.Module) -> None:
    latents, states = _inputs()
    parted = deepcopy(unet)
    conditions = take_out_text_projections(parted)
    own, joined = states.clone().requires_grad_(), states.clone().requires_grad_()
    expected = unet(latents, 500, encoder_hidden_states=own).sample
    prediction = parted(latents, 500, encoder_hidden_states=conditions(joined)).sample
    torch.testing.assert_close(prediction, expected, atol=1e-5, rtol=1e-5)
    for output in (expected, prediction):
        output.square().sum().backward()
    assert own.grad is not None and own.grad.abs().max() > 0
    torch.testing.assert_close(joined.grad, own.grad, atol=1e-5, rtol=1e-4)


def test_each_cross_attention_has_its_keys_and_values_taken_out(unet: nn.Module) -> None:
    widths = [
        layer.out_features
        for name, layer in unet.named_modules()
        if isinstance(layer, nn.Linear) and name.endswith(("attn2.to_k", "attn2.to_v"))
    ]
    conditions = take_out_text_projections(unet)
    assert len(widths) == 32  # for the 16 layers of Stable Diffusion 1
    assert conditions.out_features == sum(widths)
    assert not any("attn2.to_k" in name or "attn2.to_v" in name for name, _ in unet.named_parameters())
