"""Computes the features of every training sample anew, for a network that changes while its head is trained.

The network always computes in float32 (`DriftingBackbone`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import torch

from evaluation.arrays import Doubles, Indices, Pixels, Singles
from evaluation.batch_statistics import DriftingBackbone
from evaluation.features import embed_pixels
from evaluation.loading import load_ahead
from evaluation.sampling import draw, sampling_probabilities
from evaluation.views import View

if TYPE_CHECKING:
    from PIL.Image import Image

Load = Callable[[], "Image"]
Item = TypeVar("Item")

MEMORY = 2**31
"""Bytes of decoded images that are kept between epochs; images beyond this limit are decoded again."""


@dataclass(frozen=True)
class TrainingImages:
    """N real and M synthetic images, each loaded by a function.

    labels: (N,) of the real images; guides: (M,) index of the real image from which each synthetic one was made and
    takes its label; weights: (M,), at least 0.
    """

    real: Sequence[Load]
    labels: Indices
    synthetic: Sequence[Load] = ()
    guides: Indices = field(default_factory=lambda: np.empty(0, np.int64))
    weights: Doubles = field(default_factory=lambda: np.empty(0))


class Lengths(Protocol):
    """The part of either classifier's settings that is needed here."""

    iterations: int
    batch_size: int


class ThroughNetwork:
    """A `classifier.FeatureSource`: each sample is an image drawn by Eq. 2, in a new view, passed through the network.

    Features do not depend on the head being trained, so all those of an epoch are computed at once.
    """

    def __init__(
        self,
        backbone: DriftingBackbone,
        images: TrainingImages,
        validation: Sequence[Load],
        view: View,
        settings: Lengths,
        alpha: float = 0.0,
        workers: int = 0,
        advance: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Start from the backbone's current statistics; call its `restore` first.

        Args:
            advance: called after each batch with its number of samples.
        """
        self.dimension = backbone.dimension
        self._backbone, self._view, self._settings = backbone, view, settings
        self._workers, self._advance = workers, advance
        self._images = _Kept(lambda load: _reduced(load(), backbone.image_size), [*images.real, *images.synthetic])
        self._labels = np.concatenate([images.labels, images.labels[images.guides]])
        self._probabilities = sampling_probabilities(images.labels, images.guides, images.weights, alpha)
        self._validation = _Kept(lambda load: backbone.pixels(load()), validation)
        self._validation_count = len(validation)

    def epoch(self, rng: np.random.Generator) -> list[tuple[torch.Tensor, torch.Tensor]]:
        size = self._settings.batch_size
        picks = draw(*self._probabilities, size * self._settings.iterations, rng)
        samples = zip(picks.tolist(), rng.integers(2**62, size=len(picks)).tolist(), strict=True)
        batches = []
        with _seeded(int(rng.integers(2**62))), closing(self._load(self._sample, samples)) as pixels:
            for start in range(0, len(picks), size):
                features = self._backbone.train_batch(np.stack(list(islice(pixels, size))))
                batches.append((features, torch.from_numpy(self._labels[picks[start : start + size]])))
                self._advance(size)
        return batches

    def validation(self) -> Singles:
        with closing(self._load(self._validation, range(self._validation_count))) as pixels:
            return embed_pixels(self._backbone, pixels)

    def statistics(self) -> Singles:
        return self._backbone.statistics

    def _sample(self, picked: tuple[int, int]) -> Pixels:
        from PIL import Image

        index, seed = picked
        return self._backbone.pixels(self._view(Image.fromarray(self._images(index)), seed))

    def _load(self, load: Callable[[Item], Pixels], items: Iterable[Item]) -> Generator[Pixels, None, None]:
        return load_ahead(load, items, self._workers, ahead=2 * self._settings.batch_size)


class _Kept:
    """Arrays by index, each made when it is first requested, and kept while there is room."""

    def __init__(self, make: Callable[[Load], Pixels], loads: Sequence[Load]) -> None:
        self._make, self._loads = make, loads
        self._kept: dict[int, Pixels] = {}
        self._bytes = 0

    def __call__(self, index: int) -> Pixels:
        array = self._kept.get(index)
        if array is None:
            array = self._make(self._loads[index])
            # Two threads may make the same array at once and count it twice: harmless.
            if self._bytes + array.nbytes <= MEMORY:
                self._bytes += array.nbytes
                self._kept[index] = array
        return array


def _reduced(image: Image, side: int) -> Pixels:
    """The image, shrunk by an integer factor if far larger than the network's input, since every view processes it."""
    factor = min(image.size) // (2 * side)
    return np.asarray(image.reduce(factor) if factor > 1 else image)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global random generators, from which dropout draws, and restore them afterwards."""
    # Without a list of devices, fork_rng takes all of them, and warns if there are several.
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
