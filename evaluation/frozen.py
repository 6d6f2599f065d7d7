"""A frozen network as a function from images to feature vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from datasets.errors import UserError
from datasets.seeding import fingerprint
from evaluation.device import default_device

if TYPE_CHECKING:
    from PIL.Image import Image

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Network:
    """A pretrained module from pixels (B, 3, S, S) to features (B, D), and how its pixels are made.

    interpolation: `bilinear` or `bicubic`.
    digest: of the weights as they were published (`weights_digest`).
    multiple_of: the image side must be a multiple of this many pixels.
    """

    module: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    digest: str
    multiple_of: int = 1


def weights_digest(module: nn.Module) -> str:
    """Hexadecimal SHA-256 of a module's tensors and their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


class Backbone:
    """A frozen network in eval mode.

    name: as given to `load_backbone`.
    dimension: length of a feature vector.
    fingerprint: of the name, the weights and the preprocessing; equal fingerprints mean equal features.
    """

    def __init__(self, name: str, network: Network, image_size: int, batch_size: int = 32) -> None:
        if image_size < 1 or image_size % network.multiple_of:
            unit = network.multiple_of
            raise UserError(f"backbone {name}: image_size must be a multiple of {unit} pixels, not {image_size}")
        self.name = name
        self.image_size = image_size
        self.batch_size = batch_size
        self._network = network
        self._device = default_device()
        # Depthwise convolutions run up to 1.7 times as fast on a CPU when the channels lie together.
        module = network.module.eval().requires_grad_(False)
        self._module = module.to(self._device, memory_format=torch.channels_last)
        self._mean = self._per_channel(network.mean)
        self._std = self._per_channel(network.std)

    @cached_property
    def dimension(self) -> int:
        return int(self._forward(np.zeros((1, self.image_size, self.image_size, 3), np.uint8)).shape[1])

    @property
    def fingerprint(self) -> str:
        net = self._network
        return fingerprint(self.name, self.image_size, net.mean, net.std, net.interpolation, net.digest)

    def embed(self, images: Sequence[Image]) -> FloatArray:
        """Features (N, dimension) of the images, squashed to a square; RGB of any size.

        Batches are padded to a fixed size, so that an image's features do not depend on its companions.
        """
        starts = range(0, len(images), self.batch_size)
        groups = (images[start : start + self.batch_size] for start in starts)
        features = list(self.embed_batches(np.stack([self.pixels(image) for image in group]) for group in groups))
        return np.concatenate(features) if features else np.empty((0, self.dimension), np.float32)

    def embed_batches(self, batches: Iterable[Pixels]) -> Iterator[FloatArray]:
        """Features (B, dimension) of each batch of pixels (B, S, S, 3), B at most `batch_size`.

        The next batch is fetched before a batch's features are: a GPU computes meanwhile.
        """
        waiting: list[tuple[torch.Tensor, int]] = []
        for batch in batches:
            waiting.append((self._forward(batch), len(batch)))
            if len(waiting) > 1:
                yield _fetched(*waiting.pop(0))
        for features, count in waiting:
            yield _fetched(features, count)

    def pixels(self, image: Image) -> Pixels:
        """The image as the network takes it, squashed to a square: (S, S, 3), 0 to 255."""
        from PIL.Image import Resampling

        size = (self.image_size, self.image_size)
        method = Resampling.BICUBIC if self._network.interpolation == "bicubic" else Resampling.BILINEAR
        return np.asarray(image if image.size == size else image.resize(size, method))

    def _forward(self, pixels: Pixels) -> torch.Tensor:
        """Features (batch_size, D) of pixels (B, S, S, 3), filled up with black images; a GPU is not waited for."""
        padded = np.zeros((self.batch_size, *pixels.shape[1:]), np.uint8)
        padded[: len(pixels)] = pixels
        batch = torch.from_numpy(padded)
        if self._device.type == "cuda":
            batch = batch.pin_memory()
        # (B, S, S, 3) seen as (B, 3, S, S) is the channels-last layout already.
        batch = batch.to(self._device, non_blocking=True).permute(0, 3, 1, 2)
        with torch.inference_mode():
            features: torch.Tensor = self._module((batch.float() - self._mean) / self._std)
        return features

    def _per_channel(self, values: tuple[float, ...]) -> torch.Tensor:
        """Values in [0, 1] for each channel, as (1, 3, 1, 1) in the range of pixels."""
        return (torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1) * 255.0).to(self._device)


def _fetched(features: torch.Tensor, count: int) -> FloatArray:
    return np.asarray(features[:count].float().cpu().numpy())
