"""Frozen image backbones by name. Listing and checking names needs no heavy library."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.errors import UnknownName, UserError, kind_of, reason_of
from datasets.registry import OF_YOUR_OWN, Registry

if TYPE_CHECKING:
    from evaluation.frozen import Backbone, Network

TIMM = "timm/"
DINO, DINO_PATCH = "dinov2_", 14
"""Prefix of the names of DINOv2 networks, and the side in pixels of their patches."""

BACKBONES: Registry[Callable[[], Network]] = Registry("backbone")
"""Loaders by name; besides these, `timm/<name>` is any of timm's models with its pretrained weights."""


@BACKBONES.register("efficientnet_lite0")
def _efficientnet_lite0() -> Network:
    from evaluation.networks import efficientnet_lite0

    return efficientnet_lite0()


@BACKBONES.register("torchvision/resnet50.imagenet1k_v2")
def _resnet50() -> Network:
    from evaluation.networks import resnet50

    return resnet50()


def _register_dino(name: str) -> None:
    def load() -> Network:
        from evaluation.networks import dinov2

        return dinov2(name)

    BACKBONES.register(name)(load)


for _name in ("dinov2_vits14", "dinov2_vitb14", "dinov2_vitl14", "dinov2_vitg14"):
    _register_dino(_name)


def check_backbone(name: str, kind: str = "backbone") -> None:
    """Raise `UserError` that suggests the closest names, unless `name` is a backbone.

    Imports neither torch nor timm, unless the name has a tag for the weights after a dot.

    Args:
        kind: what the message calls the name: `backbone` or `features`.
    """
    if name in BACKBONES:
        return
    known = [*BACKBONES]
    if name.startswith(TIMM):
        architecture, _, tag = name.removeprefix(TIMM).partition(".")
        if architecture in timm_names():
            if tag:
                _check_tag(name, architecture)
            return
        known += [TIMM + known_name for known_name in timm_names()]
    raise UnknownName(kind, name, [*known, TIMM + "<name>"] if not name.startswith(TIMM) else known, OF_YOUR_OWN)


def check_image_size(name: str, image_size: int) -> None:
    """Raise `UserError` if the network cannot take images of this size, as far as its name shows.

    Args:
        name: of a backbone.
        image_size: side of its square input, in pixels.
    """
    if name.startswith(DINO) and image_size % DINO_PATCH:
        raise refused_size(name, image_size, DINO_PATCH)


def refused_size(name: str, image_size: int, multiple_of: int) -> UserError:
    """The error for a backbone that cannot take images of this size."""
    nearest = max(1, round(image_size / multiple_of)) * multiple_of
    return UserError(
        f"backbone {name}: image_size must be a multiple of {multiple_of} pixels, such as {nearest}, not {image_size}"
    )


def _check_tag(name: str, architecture: str) -> None:
    import timm

    known = timm.list_pretrained(f"{architecture}.*")
    if name.removeprefix(TIMM) not in known:
        raise UnknownName("weights", name, [TIMM + each for each in known])


@cache
def timm_names() -> tuple[str, ...]:
    """The architectures in the installed timm, read from its source, which is quicker than importing it."""
    spec = find_spec("timm")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    sources = (path.read_text(encoding="utf-8") for folder in folders for path in Path(folder, "models").glob("*.py"))
    return tuple(name for source in sources for name in re.findall(r"@register_model\s+def (\w+)\(", source))


def load_backbone(name: str, image_size: int, dtype: str = "auto") -> Backbone:
    """Load a frozen network by name; its input is images squashed to `image_size` × `image_size` pixels.

    Args:
        dtype: precision in which it computes, one of `device.DTYPES`.

    Raises:
        UserError: an unknown name or dtype, unavailable weights, or a size that the network cannot take.
    """
    from evaluation.device import default_device, dtype_named
    from evaluation.frozen import Backbone

    check_backbone(name)
    precision = dtype_named(dtype, default_device())
    return Backbone(name, load_network(name, image_size), image_size, dtype=precision)


def load_network(name: str, image_size: int) -> Network:
    """Load the network of a known name. Some timm networks are built for one image size, so this is passed to them.

    Raises:
        UserError: the weights are unavailable, or a plugin's loader fails or does not return a network.
    """
    from evaluation.networks import timm_network

    return timm_network(name.removeprefix(TIMM), image_size) if name.startswith(TIMM) else _registered_network(name)


def _registered_network(name: str) -> Network:
    from evaluation.frozen import Network

    try:
        network = BACKBONES[name]()
    except UserError:
        raise
    except Exception as error:  # a plugin's code may raise anything
        raise UserError(
            f"backbone {name}: its loader fails ({type(error).__name__}: {reason_of(error)}); if it downloads weights, "
            "run once with network access"
        ) from error
    if not isinstance(network, Network):
        raise UserError(f"backbone {name}: its loader must return an evaluation.frozen.Network, not {kind_of(network)}")
    if (lengths := (len(network.mean), len(network.std))) != (3, 3):
        raise UserError(f"backbone {name}: mean and std must have 3 channels each, not {lengths[0]} and {lengths[1]}")
    return network
