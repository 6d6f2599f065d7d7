"""A backbone whose batch normalisation drifts with the images that it is trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from datasets.errors import UserError
from evaluation.arrays import Pixels
from evaluation.backbones import load_backbone
from evaluation.batch_statistics import DriftingBackbone, load_drifting_backbone
from evaluation.features import embed_images
from tests.evaluation.networks import pictures, tiny_backbone, tiny_network


def pixels(seed: int, count: int = 4, centre: float = 127.0) -> Pixels:
    return np.stack([np.asarray(image) for image in pictures(seed, count, centre)])


@pytest.fixture
def backbone() -> DriftingBackbone:
    return tiny_backbone()


def test_a_batch_is_normalised_by_its_own_statistics_which_move_the_running_ones(backbone: DriftingBackbone) -> None:
    batch = pixels(1)
    convolution = tiny_network().module[0]
    with torch.no_grad():
        maps = convolution(torch.from_numpy(batch).permute(0, 3, 1, 2) / 127.5 - 1).numpy()
    mean, variance = maps.mean(axis=(0, 2, 3)), maps.var(axis=(0, 2, 3))
    normal = (maps - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
    features = backbone.train_batch(batch)
    np.testing.assert_allclose(features, np.maximum(normal, 0).mean(axis=(2, 3)), atol=1e-5)
    unbiased = variance * maps[:, 0].size / (maps[:, 0].size - 1)
    expected = np.concatenate([0.1 * mean, 0.9 + 0.1 * unbiased])
    np.testing.assert_allclose(backbone.statistics, expected, rtol=1e-4)


def test_other_images_are_seen_by_the_drifted_statistics_until_these_are_restored(backbone: DriftingBackbone) -> None:
    others, published = pictures(2, 3), backbone.statistics
    before = embed_images(backbone, others)
    backbone.train_batch(pixels(1, centre=200))
    drifted, statistics = embed_images(backbone, others), backbone.statistics
    assert not np.allclose(drifted, before)
    backbone.restore(None)
    assert np.array_equal(embed_images(backbone, others), before)
    assert np.array_equal(backbone.statistics, published)
    backbone.restore(statistics)
    assert np.array_equal(embed_images(backbone, others), drifted)


def test_nothing_but_the_statistics_moves(backbone: DriftingBackbone) -> None:
    weights = {name: value.clone() for name, value in backbone._module.named_parameters()}
    backbone.train_batch(pixels(1))
    assert all(torch.equal(value, weights[name]) for name, value in backbone._module.named_parameters())
    assert not backbone._module.training


def test_a_batch_that_a_gpu_cannot_hold_is_told_in_a_line() -> None:
    class Full(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    backbone = tiny_backbone()
    backbone._module[-1] = Full()
    with pytest.raises(UserError, match=r"^one of the training batches does not fit .*lower classifier.image_size$"):
        backbone.train_batch(pixels(1))
    assert not backbone._module.training


def test_a_network_without_batch_normalisation_has_no_statistics() -> None:
    backbone = tiny_backbone(nn.Identity())
    assert backbone.statistics.shape == (0,)
    batch = pixels(1)
    np.testing.assert_allclose(backbone.train_batch(batch), embed_images(backbone, pictures(1, 4)), rtol=1e-5)


def test_the_unfolded_network_is_the_folded_one_until_it_drifts() -> None:
    image = pictures(3, 1)[0].resize((40, 40))
    folded, drifting = load_backbone("efficientnet_lite0", 40), load_drifting_backbone("efficientnet_lite0", 40)
    np.testing.assert_allclose(embed_images(drifting, [image]), embed_images(folded, [image]), atol=1e-4)
    assert len(drifting.statistics) > 10_000
    assert drifting.fingerprint != folded.fingerprint
