"""Features of pictures: loaded ahead across blocks, stored block by block, the same for any number of workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark import embedding
from benchmark.embedding import Embedder, Picture
from benchmark.progress import Stages
from benchmark.store import Store
from datasets.errors import UserError
from datasets.seeding import fingerprint
from evaluation.arrays import Pixels, Singles
from evaluation.features import embed_images
from evaluation.frozen import Backbone, Network
from evaluation.views import VERSION, standard_view, view_seed
from tests.benchmark.titled_stages import TitledStages

BLOCK = 4
WAIT = 10.0


def image(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8))


def pictures(count: int, on_load: Callable[[int], object] = int) -> list[Picture]:
    """Pictures of noise; `on_load` is called for each one that is loaded."""

    def load(seed: int) -> Image.Image:
        on_load(seed)
        return image(seed)

    return [Picture(f"{i:064x}", lambda i=i: load(i)) for i in range(count)]  # type: ignore[misc]


@pytest.fixture(autouse=True)
def backbone(monkeypatch: pytest.MonkeyPatch) -> Backbone:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    network = Backbone("tiny", Network(module, (0.5,) * 3, (0.5,) * 3, "bilinear", "weights"), 8, batch_size=3)
    monkeypatch.setattr("evaluation.backbones.load_backbone", lambda name, size, dtype: network)
    monkeypatch.setattr(embedding, "BLOCK", BLOCK)
    return network


def embedder(folder: Path, workers: int = 2) -> Embedder:
    return Embedder("tiny", 8, Store(folder), Stages(quiet=True), workers)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("views", [1, 2])
def test_features_and_store_do_not_depend_on_the_workers(
    workers: int, views: int, backbone: Backbone, tmp_path: Path
) -> None:
    made = embedder(tmp_path, workers).embed(pictures(10), "standard", views)
    for i, picture in enumerate(pictures(10)):
        seeds = [view_seed("standard", picture.digest, number, 0) for number in range(views)]
        assert np.array_equal(made[i], embed_images(backbone, [standard_view(image(i), seed) for seed in seeds]))
    digests = [picture.digest for picture in pictures(BLOCK // views)]
    key = fingerprint("features", backbone.fingerprint, "standard", views, digests, VERSION)
    stored = Store(tmp_path).array("features", key)
    assert stored is not None
    assert np.array_equal(stored, made[: BLOCK // views])


def test_a_picture_is_loaded_once_for_all_its_views(tmp_path: Path) -> None:
    loads: list[int] = []
    assert embedder(tmp_path).embed(pictures(5, loads.append), "rand_augment", 3).shape == (5, 3, 4)
    assert sorted(loads) == list(range(5))


def test_the_next_block_loads_while_the_network_has_this_one(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_block = threading.Event()
    embed_batches, waited = backbone.embed_batches, list[bool]()

    def slow(batches: Iterable[Pixels]) -> Iterator[Singles]:
        features = list(embed_batches(batches))
        waited.append(next_block.wait(WAIT))
        return iter(features)

    monkeypatch.setattr(backbone, "embed_batches", slow)
    embedder(tmp_path).embed(pictures(2 * BLOCK, lambda i: next_block.set() if i == BLOCK else None))
    assert waited == [True, True]


@pytest.mark.parametrize("workers", [0, 3])
def test_after_an_unreadable_picture_only_its_block_is_left_to_do(workers: int, tmp_path: Path) -> None:
    def refuse(i: int) -> None:
        if i == BLOCK + 1:
            raise UserError(f"{i}.jpg: not a readable image")

    with pytest.raises(UserError, match=r"^5\.jpg: not a readable image$"):
        embedder(tmp_path, workers).embed(pictures(3 * BLOCK, refuse))
    loads: list[int] = []
    embedder(tmp_path, workers).embed(pictures(3 * BLOCK, loads.append))
    assert sorted(loads) == list(range(BLOCK, 3 * BLOCK))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_the_progress_bar_names_network_and_view(tmp_path: Path) -> None:
    """A run embeds its images with two networks, one of which may take minutes."""
    stages = TitledStages()
    for name, view in (("torchvision/resnet50.imagenet1k_v2", "rand_augment"), ("dinov2_vitl14", "plain")):
        Embedder(name, 8, Store(tmp_path), stages).embed(pictures(1), view)
    assert stages.titles == ["features (resnet50, rand augment)", "features (dinov2_vitl14, plain)"]


def test_what_is_stored_is_not_loaded(tmp_path: Path) -> None:
    loads: list[int] = []
    first = embedder(tmp_path).embed(pictures(6, loads.append))
    again = embedder(tmp_path).embed(pictures(6, loads.append))
    assert len(loads) == 6
    assert np.array_equal(first, again)
