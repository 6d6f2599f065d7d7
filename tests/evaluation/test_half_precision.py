"""Backbones in half precision, and with too little memory: the same features, or a clear error."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from datasets.errors import UserError
from evaluation import device
from evaluation.backbones import load_backbone
from evaluation.device import default_device, dtype_named
from evaluation.features import embed_images
from evaluation.frozen import Backbone, Network
from tests.evaluation.networks import SIDE, in_fours, pictures, tiny_network

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def tiny(dtype: torch.dtype = torch.float32, *layers: nn.Module, batch_size: int = 4) -> Backbone:
    return Backbone("tiny", tiny_network(*layers), SIDE, batch_size, dtype)


def grey(value: int) -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), (value, value, value))


class TestAutomaticDtype:
    def test_a_cpu_computes_in_float32(self) -> None:
        assert dtype_named("auto", CPU) == torch.float32
        assert load_backbone("efficientnet_lite0", 64).dtype == dtype_named("auto", default_device())

    @pytest.mark.parametrize(("computes", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
    def test_a_gpu_computes_in_bfloat16_unless_it_only_emulates_it(
        self, computes: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def supported(including_emulation: bool = True) -> bool:
            return computes or including_emulation

        monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
        assert dtype_named("auto", GPU) == dtype

    @pytest.mark.parametrize("name", device.DTYPES[1:])
    def test_what_is_named_is_taken(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
        assert str(dtype_named(name, CPU)) == str(dtype_named(name, GPU)) == f"torch.{name}"

    def test_bfloat16_is_refused_where_a_gpu_would_fail_in_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
        with pytest.raises(UserError, match="this GPU does not support bfloat16: set the dtype to auto, float16 or"):
            dtype_named("bfloat16", GPU)
        assert dtype_named("bfloat16", CPU) == torch.bfloat16

    def test_an_unknown_one_is_refused_before_weights_are_loaded(self) -> None:
        with pytest.raises(UserError, match="unknown dtype 'float8'; did you mean float"):
            load_backbone("torchvision/resnet50.imagenet1k_v2", 64, dtype="float8")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_features_agree_with_those_of_float32(dtype: str) -> None:
    images = [image.resize((64, 64)) for image in pictures(0, 5)]
    backbones = [in_fours(load_backbone("efficientnet_lite0", 64, name)) for name in ("float32", dtype)]
    full, half = (embed_images(backbone, images) for backbone in backbones)
    assert half.dtype == np.float32
    assert not np.array_equal(half, full)
    cosines = (full * half).sum(1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert cosines.min() > 0.99


def test_only_a_dtype_that_is_not_float32_is_in_the_fingerprint() -> None:
    prints = {dtype: tiny(dtype).fingerprint for dtype in (torch.float32, torch.bfloat16, torch.float16)}
    assert len(set(prints.values())) == 3
    assert prints[torch.float32] == Backbone("tiny", tiny_network(), SIDE, batch_size=2).fingerprint
    # Fixed here, because a change would invalidate features that users have stored.
    assert prints[torch.float32].startswith("5a72ebea508512f0")


def test_the_published_weights_are_left_as_they_are() -> None:
    network = tiny_network()
    Backbone("tiny", network, SIDE, dtype=torch.float16)
    assert {parameter.dtype for parameter in network.module.parameters()} == {torch.float32}


class _Bright(nn.Module):
    """Two features of the mean brightness; for bright images they exceed float16's maximum of 65504."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end = end

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        mean = pixels.float().mean((1, 2, 3))
        return torch.stack([mean, torch.where(mean > 0.5, self.end, mean)], 1).to(pixels.dtype)


def bright(end: float, dtype: torch.dtype) -> Backbone:
    return Backbone("bright", Network(_Bright(end), (0.0,) * 3, (1.0,) * 3, "bilinear", ""), SIDE, 4, dtype)


def test_an_image_that_overflows_is_seen_in_float32_and_so_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    backbone = bright(1e6, torch.float16)
    images = [grey(value) for value in (10, 200, 30, 210, 50, 220)]
    with caplog.at_level(logging.WARNING):
        features = embed_images(backbone, images)
    assert np.array_equal(features[1::2], embed_images(bright(1e6, torch.float32), images[1::2]))
    alone = [embed_images(bright(1e6, torch.float16), [image]) for image in images]
    assert np.array_equal(features, np.concatenate(alone))
    assert [record.message for record in caplog.records].count(
        "bright overflows in torch.float16: images for which it does are computed in float32"
    ) == 1 + 3  # one per backbone that met such an image
    assert backbone.fingerprint == bright(1e6, torch.float16).fingerprint


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_features_that_are_no_numbers_in_float32_either_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(
        UserError, match=r"^backbone bright: the features of an image are not finite numbers"
    ) as refusal:
        embed_images(bright(float("nan"), dtype), [grey(200)])
    assert "\n" not in str(refusal.value)


class _Room(nn.Module):
    """A network on a GPU with memory for a limited number of images."""

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images, self.seen = images, list[int]()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(pixels))
        if len(pixels) > self.images:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return pixels


def test_a_batch_that_does_not_fit_is_halved_and_no_image_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    images, room = pictures(0, 13), _Room(3)
    backbone = tiny(torch.float32, room, batch_size=8)
    with caplog.at_level(logging.WARNING):
        features = embed_images(backbone, images)
    assert backbone.batch_size == 2
    assert room.seen == [8, 4] + [2] * 7
    np.testing.assert_allclose(features, embed_images(tiny(batch_size=8), images), rtol=1e-5)
    assert np.array_equal(features, np.concatenate([embed_images(backbone, [image]) for image in images]))
    assert [record.message for record in caplog.records] == [
        f"{size} images for tiny at once do not fit into memory: going on with {size // 2}" for size in (8, 4)
    ]


def test_an_image_that_does_not_fit_alone_is_refused() -> None:
    with pytest.raises(UserError, match=r"one of the images for tiny does not fit .* or lower its image_size$"):
        embed_images(tiny(torch.float32, _Room(0)), pictures(0, 3))


def test_weights_that_do_not_fit_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(nn.Sequential, "to", full)
    with pytest.raises(UserError, match=r"^backbone tiny needs 0\.0 GB for its weights alone"):
        tiny()
