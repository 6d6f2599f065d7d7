"""Overflow in half precision: only the affected images are encoded or decoded in float32, or refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.errors import UserError
from methods import latent_diffusion
from methods.generator import Generator
from methods.latent_diffusion import LatentDiffusion
from methods.plan import PlanRow
from methods.settings import GeneratorSettings
from tests.methods.plain_pipeline import difference

ROW = PlanRow(0, 0, "a photo of a car", "", 0.7, 7.5, 10, seed=1)


@pytest.fixture
def open_model(checkpoints: dict[str, Path]) -> Callable[[str], LatentDiffusion]:
    def opened(dtype: str) -> LatentDiffusion:
        return Generator(GeneratorSettings(str(checkpoints["ddim"]), 32, 4, dtype, compile="never")).model

    return opened


def _latents(model: LatentDiffusion) -> torch.Tensor:
    """Latents of three images, the second of which overflows the codec in float16, whose maximum is 65504."""
    latents = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0)).to(model.device)
    return latents * torch.tensor([1.0, 1e6, 1.0], device=model.device)[:, None, None, None]


def test_only_the_image_that_overflows_is_decoded_in_float32(open_model: Callable[[str], LatentDiffusion]) -> None:
    half, full = open_model("float16"), open_model("float32")
    latents = _latents(half)
    before = half.decode(latents[:1])()[0]
    images = half.decode(latents)()
    after = half.decode(latents[:1])()[0]
    assert difference(before, after) == 0
    assert difference(images[0], before) <= 1  # another batch size may round differently
    expected = full.decode(latents[1:2])()[0]
    assert np.abs(np.asarray(images[1], int) - np.asarray(expected, int)).mean() < 1
    assert np.asarray(images[1]).std() > 0


def test_threads_share_one_copy_of_the_codec(
    open_model: Callable[[str], LatentDiffusion], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model, copies = open_model("float16"), []

    def slow_copy(module: Any) -> Any:
        time.sleep(0.1)
        copies.append(deepcopy(module))
        return copies[-1]

    monkeypatch.setattr(latent_diffusion, "deepcopy", slow_copy)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda latents: model.decode(latents)(), [_latents(model)] * 3))
    assert len(copies) == len(caplog.records) == 1


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("float16", r"UNet overflows in float16; set generator\.dtype=bfloat16 or float32$"),
        ("bfloat16", r"UNet overflows in bfloat16; set generator\.dtype=float32$"),
        ("float32", "in float32: the weights of the UNet are damaged$"),
    ],
)
def test_latents_that_are_no_numbers_are_refused(
    open_model: Callable[[str], LatentDiffusion], dtype: str, message: str
) -> None:
    model = open_model(dtype)
    latents = _latents(model)
    latents[2, 0, 0, 0] = torch.nan
    with pytest.raises(UserError, match=message):
        model.decode(latents)()


def test_bfloat16_is_not_advised_where_a_gpu_would_fail_in_it(
    open_model: Callable[[str], LatentDiffusion], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_model("float16")
    monkeypatch.setattr(latent_diffusion, "takes_bfloat16", lambda device: False)
    with pytest.raises(UserError, match=r"overflows in float16; set generator\.dtype=float32$"):
        model.decode(_latents(model) * torch.nan)()


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_images_that_are_no_numbers_in_float32_either_are_refused(
    open_model: Callable[[str], LatentDiffusion], dtype: str
) -> None:
    model = open_model(dtype)
    model.vae.decoder.conv_out.weight.fill_(torch.nan)
    with pytest.raises(UserError, match="the codec's results are not finite numbers even in float32"):
        model.decode(_latents(model))()


def test_guides_that_are_no_numbers_in_float32_either_are_refused(
    open_model: Callable[[str], LatentDiffusion], guides: dict[int, Image.Image]
) -> None:
    model = open_model("float16")
    model.vae.encoder.conv_out.weight.fill_(torch.nan)
    with pytest.raises(UserError, match="the codec's results are not finite numbers even in float32"):
        model.posterior(guides[0])


def test_no_image_of_a_unet_that_overflows_is_made(
    checkpoints: dict[str, Path], guides: dict[int, Image.Image]
) -> None:
    generator = Generator(GeneratorSettings(str(checkpoints["ddim"]), 32, 1, "float16", compile="never"))
    generator.model.unet.conv_out.bias.fill_(torch.inf)
    with pytest.raises(UserError, match=r"set generator\.dtype=bfloat16 or float32"):
        list(generator.generate([ROW], {}, guides))
