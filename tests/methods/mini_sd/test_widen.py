"""A codec with more channels that computes the same."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL

from methods.mini_sd import WEIGHTS
from methods.mini_sd.architecture import build_autoencoder
from methods.mini_sd.sampling import open_pipeline, renders_of, scenes_of
from methods.mini_sd.training import pixels_of
from methods.mini_sd.widen import main as widen
from methods.mini_sd.widen import widened


def _narrow() -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL.from_config({**build_autoencoder().config, "block_out_channels": (16, 32, 64, 128)}).eval()


@torch.inference_mode()
def test_a_wider_codec_computes_the_same() -> None:
    narrow, pixels = _narrow(), pixels_of(renders_of(scenes_of(4)))
    wider = widened(narrow, build_autoencoder(), seed=1).eval()
    assert wider.num_parameters() > narrow.num_parameters()
    expected, found = (codec.encode(pixels).latent_dist for codec in (narrow, wider))
    torch.testing.assert_close(found.mean, expected.mean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.std, expected.std, atol=1e-4, rtol=1e-4)
    drawn = [codec.decode(expected.mean).sample for codec in (narrow, wider)]
    torch.testing.assert_close(drawn[1], drawn[0], atol=1e-4, rtol=1e-4)


def test_twins_are_read_otherwise_so_that_training_moves_them_apart() -> None:
    wider = widened(_narrow(), build_autoencoder(), seed=1)
    last = wider.decoder.up_blocks[-1].resnets[-1].conv2
    torch.testing.assert_close(last.weight[0::3].sum(1), last.weight[1::3].sum(1))
    wider.decode(torch.randn(2, 16, 8, 8)).sample.square().mean().backward()
    gradient = last.weight.grad
    assert gradient is not None
    assert not torch.allclose(gradient[0::3], gradient[1::3])


def test_the_weights_that_ship_stay_as_they_are(tmp_path: Path) -> None:
    """The shipped codec already has this width."""
    widen(WEIGHTS, tmp_path / "wider")
    before, after = (open_pipeline(folder) for folder in (WEIGHTS, tmp_path / "wider"))
    assert before.vae.config.scaling_factor == after.vae.config.scaling_factor
    for part in ("vae", "unet", "text_encoder"):
        for old, new in zip(getattr(before, part).parameters(), getattr(after, part).parameters(), strict=True):
            assert torch.equal(old, new)
