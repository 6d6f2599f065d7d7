"""Backbones whose batch normalisation stays in training mode, as in the published code.

The weights are frozen, but each training batch is normalised by its own statistics, and the running statistics, which
normalise validation and test images, drift towards those of the training images. Training mode also enables dropout
and stochastic depth in networks that have them.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from datasets.seeding import fingerprint
from evaluation.arrays import Pixels, Singles
from evaluation.backbones import check_backbone, load_network
from evaluation.frozen import Backbone, Network
from evaluation.memory import Shortage, attempt, does_not_fit


class DriftingBackbone(Backbone):
    """A frozen network whose batch normalisation statistics follow the training images.

    The methods of `Backbone` run in eval mode with the current running statistics. They run in float32, whatever
    `classifier.dtype` is: in half precision, small updates of the statistics would be lost.
    """

    def __init__(self, name: str, network: Network, image_size: int, batch_size: int = 0) -> None:
        super().__init__(name, network, image_size, batch_size)
        self._published = self.statistics

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the published network, distinct from that of the (folded) `Backbone` of the same name."""
        return fingerprint("drifting", super().fingerprint)

    @property
    def statistics(self) -> Singles:
        """A copy of all running means and variances, concatenated: (S,); S = 0 without batch normalisation."""
        parts = [buffer.detach().float().cpu().numpy().ravel() for buffer in self._buffers()]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def restore(self, statistics: Singles | None) -> None:
        """Reset running means and variances to values from `statistics`, or to the published ones for None."""
        statistics, start = self._published if statistics is None else statistics, 0
        for buffer in self._buffers():
            part = torch.from_numpy(statistics[start : start + buffer.numel()])
            buffer.copy_(part.view_as(buffer))
            start += buffer.numel()

    def train_batch(self, pixels: Pixels) -> torch.Tensor:
        """Features (B, D) of pixels (B, S, S, 3), normalised by the batch's statistics; updates the running ones.

        Raises:
            UserError: the batch does not fit into the GPU's memory. (A smaller one would have other statistics.)
        """
        features = attempt(partial(self._in_training_mode, pixels))
        if isinstance(features, Shortage):
            raise does_not_fit(features, "training batches", "classifier.image_size")
        return features

    @torch.no_grad()
    def _in_training_mode(self, pixels: Pixels) -> torch.Tensor:
        self._module.train()
        try:
            batch = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
            features: torch.Tensor = self._module((batch.float() - self._mean) / self._std)
            return features.float().cpu()
        finally:
            self._module.eval()

    def _buffers(self) -> list[torch.Tensor]:
        layers = [module for module in self._module.modules() if isinstance(module, _BatchNorm)]
        pairs = [(layer.running_mean, layer.running_var) for layer in layers]
        return [buffer for pair in pairs for buffer in pair if buffer is not None]


def load_drifting_backbone(name: str, image_size: int) -> DriftingBackbone:
    """Like `load_backbone`, but with batch normalisation that can drift."""
    check_backbone(name)
    return DriftingBackbone(name, _network(name, image_size), image_size)


def _network(name: str, image_size: int) -> Network:
    """The network with unfolded normalisations: those folded into convolutions (EfficientNet-Lite0) cannot drift."""
    from evaluation.networks import unfolded_efficientnet_lite0

    return unfolded_efficientnet_lite0() if name == "efficientnet_lite0" else load_network(name, image_size)
