"""A frozen network as a function from images to feature vectors."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from datasets.errors import UnknownName, UserError, kind_of
from datasets.plugins import code_of
from datasets.seeding import fingerprint
from evaluation.arrays import Pixels, Singles
from evaluation.backbones import BACKBONES, refused_size
from evaluation.device import IMAGES_AT_ONCE, default_device, sent
from evaluation.memory import Shortage, attempt, halved, loading

if TYPE_CHECKING:
    from PIL.Image import Image

INTERPOLATIONS = ("bilinear", "bicubic")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Network:
    """A pretrained module from pixels (B, 3, S, S) to features (B, D), and how its input is preprocessed.

    interpolation: `bilinear` or `bicubic`.
    digest: `weights_digest` of the published weights.
    multiple_of: the image side must be a multiple of this many pixels.
    """

    module: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    digest: str
    multiple_of: int = 1

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise UnknownName("interpolation", self.interpolation, INTERPOLATIONS)


def weights_digest(module: nn.Module) -> str:
    """Hexadecimal SHA-256 of a module's tensors and their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


class Backbone:
    """A frozen network in eval mode. Its features are float32, whatever precision it computes in.

    If the features of an image overflow in half precision, that image alone is computed again in float32. An image's
    features therefore never depend on the images before it.

    name: as given to `load_backbone`.
    batch_size: images per forward pass; halved when they do not fit into a GPU's memory.
    dtype: precision in which the network computes.
    dimension: length of a feature vector.
    fingerprint: of the name, the weights, the preprocessing, any dtype other than float32 and a plugin's code; equal
        fingerprints mean features that are equal up to rounding.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        image_size: int,
        batch_size: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """batch_size 0: as many images as make the device faster (`device.IMAGES_AT_ONCE`).

        Raises:
            UserError: the network cannot take this image size, or its weights do not fit into the GPU's memory.
        """
        if image_size < 1 or image_size % network.multiple_of:
            raise refused_size(name, image_size, network.multiple_of)
        self.name = name
        self.image_size = image_size
        self.dtype = dtype
        self._network = network
        self._device = default_device()
        self.batch_size = batch_size or IMAGES_AT_ONCE[self._device.type]
        self._module = self._placed(dtype)
        self._mean = self._per_channel(network.mean)
        self._std = self._per_channel(network.std)

    @cached_property
    def dimension(self) -> int:
        return int(self._forward(np.zeros((1, self.image_size, self.image_size, 3), np.uint8)).shape[1])

    @property
    def fingerprint(self) -> str:
        net = self._network
        precision = [] if self.dtype == torch.float32 else [str(self.dtype)]
        code = code_of(BACKBONES[self.name]) if self.name in BACKBONES else ""
        own = [*precision, *([code] if code else [])]
        return fingerprint(self.name, self.image_size, net.mean, net.std, net.interpolation, net.digest, *own)

    def embed_batches(self, batches: Iterable[Pixels]) -> Iterator[Singles]:
        """Features (B, dimension) of each batch of pixels (B, S, S, 3), computed `batch_size` images at a time.

        The next batch of pixels is fetched while a GPU computes the features of this one.

        Raises:
            UserError: not even one image fits into a GPU's memory, or features are not finite in float32 either.
        """
        waiting: list[tuple[Pixels, torch.Tensor]] = []
        for batch in batches:
            waiting.append((batch, self._forward(batch)))
            if len(waiting) > 1:
                yield self._fetched(*waiting.pop(0))
        for batch, features in waiting:
            yield self._fetched(batch, features)

    def pixels(self, image: Image) -> Pixels:
        """The network's input for an image, squashed to a square: (S, S, 3), 0 to 255."""
        from PIL.Image import Resampling

        size = (self.image_size, self.image_size)
        method = Resampling.BICUBIC if self._network.interpolation == "bicubic" else Resampling.BILINEAR
        return np.asarray(image if image.size == size else image.resize(size, method))

    def _forward(self, pixels: Pixels) -> torch.Tensor:
        """Features (B, D) of pixels (B, S, S, 3), float32, on the device; does not wait for a GPU to finish."""
        parts = []
        while len(pixels) > 0:
            batch = pixels[: self.batch_size]
            features = attempt(partial(self._pass, batch))
            if isinstance(features, Shortage):
                self.batch_size = halved(self.batch_size, features, f"images for {self.name}", "its image_size")
                continue
            parts.append(features)
            pixels = pixels[len(batch) :]
        return torch.cat(parts)

    def _pass(self, pixels: Pixels) -> torch.Tensor:
        """Features (B, D) of at most `batch_size` images; the batch is padded with black images."""
        padded = np.zeros((self.batch_size, *pixels.shape[1:]), np.uint8)
        padded[: len(pixels)] = pixels
        # A (B, S, S, 3) array viewed as (B, 3, S, S) is already in channels-last layout.
        batch = sent(torch.from_numpy(padded), self._device).permute(0, 3, 1, 2)
        with torch.inference_mode():
            normalised = (batch.float() - self._mean) / self._std
            features = self._module(normalised.to(self.dtype))
        if not isinstance(features, torch.Tensor) or features.ndim != 2:
            found = f"of shape {tuple(features.shape)}" if isinstance(features, torch.Tensor) else kind_of(features)
            raise UserError(f"backbone {self.name}: its module must give features (images, length), not {found}")
        return features.float()[: len(pixels)]

    def _fetched(self, pixels: Pixels, features: torch.Tensor) -> Singles:
        """Features (B, D) of pixels (B, S, S, 3), on the CPU; those that are not finite are recomputed in float32."""
        found: Singles = features.cpu().numpy()
        overflowed = ~np.isfinite(found).all(axis=1)
        if overflowed.any():
            found[overflowed] = next(self._in_float32.embed_batches([pixels[overflowed]]))
        return found

    @cached_property
    def _in_float32(self) -> Backbone:
        """The same network in float32, created when the first image overflows in half precision."""
        if self.dtype == torch.float32:
            raise UserError(
                f"backbone {self.name}: the features of an image are not finite numbers: the weights are damaged"
            )
        logger.warning("%s overflows in %s: images for which it does are computed in float32", self.name, self.dtype)
        return Backbone(self.name, self._network, self.image_size, self.batch_size)

    def _placed(self, dtype: torch.dtype) -> nn.Module:
        """The network on the device; below float32 it is a copy, so that the published weights are kept."""
        module = self._network.module.eval().requires_grad_(False)
        if dtype != torch.float32:
            module = deepcopy(module)
        gigabytes = sum(parameter.numel() for parameter in module.parameters()) * dtype.itemsize / 1e9
        with loading(f"backbone {self.name}", gigabytes):
            # In channels-last layout, depthwise convolutions run up to 1.7 times as fast on a CPU.
            return module.to(self._device, dtype, memory_format=torch.channels_last)

    def _per_channel(self, values: tuple[float, ...]) -> torch.Tensor:
        """One value in [0, 1] per channel, scaled to the range of pixels (0 to 255): (1, 3, 1, 1)."""
        return (torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1) * 255.0).to(self._device)
