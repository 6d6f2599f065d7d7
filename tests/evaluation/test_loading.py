"""Loading ahead gives what a plain loop gives, even on errors, and leaves nothing running."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import RandAugment

from datasets.errors import UserError
from datasets.images import load_rgb
from evaluation.features import ImageViews, embed_images, embed_pixels, load_pixels
from evaluation.frozen import Backbone, Network
from evaluation.loading import MOST_WORKERS, load_ahead, worker_count
from evaluation.views import View, rand_augment_view, standard_view

WAIT = 10.0
"""Seconds after which a test stops waiting for another thread."""

WORKERS = [0, 1, 2, 5]


def loaders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    assert loaders() == []


class TestOrder:
    @pytest.mark.parametrize("workers", WORKERS)
    def test_results_come_in_order_whoever_finishes_first(self, workers: int) -> None:
        def load(item: int) -> int:
            time.sleep(0.002 * (item % 3))
            return item * item

        assert list(load_ahead(load, range(40), workers, 4)) == [item * item for item in range(40)]

    @pytest.mark.parametrize("workers", WORKERS)
    def test_of_nothing_comes_nothing(self, workers: int) -> None:
        assert list(load_ahead(abs, [], workers, 4)) == []


class TestAhead:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_items_load_while_the_caller_has_the_first_one_but_only_so_many(self, workers: int) -> None:
        ahead, started, reached = 4, list[int](), threading.Event()

        def load(item: int) -> int:
            started.append(item)
            if len(started) == 1 + ahead:
                reached.set()
            return item

        with closing(load_ahead(load, range(100), workers, ahead)) as results:
            assert next(results) == 0
            assert reached.wait(WAIT)
            time.sleep(0.02)
            assert sorted(started) == list(range(1 + ahead))

    def test_a_plain_loop_loads_nothing_ahead(self) -> None:
        started: list[int] = []
        with closing(load_ahead(started.append, range(100), 0, 4)) as results:
            next(results)
        assert started == [0]


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, even if a shell started the tests in the background, ignoring SIGINT."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


class TestEnds:
    @pytest.mark.parametrize("workers", WORKERS)
    def test_an_error_comes_in_its_items_place(self, workers: int, tmp_path: Path) -> None:
        paths = [tmp_path / f"{i}.png" for i in range(8)]
        for path in paths:
            Image.new("RGB", (4, 4)).save(path)
        paths[5].write_text("<html>not found</html>")
        loaded: list[Image.Image] = []
        with (
            pytest.raises(UserError, match=r"5\.png: not a readable image"),
            closing(load_ahead(load_rgb, paths, workers, 4)) as images,
        ):
            for image in images:
                loaded.append(image)  # noqa: PERF402
        assert len(loaded) == 5

    def test_leaving_early_drops_what_waits(self) -> None:
        started: list[int] = []

        def load(item: int) -> None:
            started.append(item)
            time.sleep(0.01)

        with closing(load_ahead(load, range(1000), 2, 100)) as results:
            next(results)
        assert len(started) < 10

    def test_an_interrupt_stops_at_once(self, heard_interrupts: None) -> None:
        started: list[int] = []

        def load(item: int) -> None:
            started.append(item)
            if item == 3:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.01)

        with pytest.raises(KeyboardInterrupt), closing(load_ahead(load, range(1000), 2, 100)) as results:
            list(results)
        assert len(started) < 20


class TestWorkerCount:
    def test_a_number_is_taken_at_its_word(self) -> None:
        assert [worker_count(workers) for workers in (0, 1, 20)] == [0, 1, 20]

    @pytest.mark.parametrize(("cores", "workers"), [(1, 1), (4, 4), (64, MOST_WORKERS)])
    def test_else_the_cores_decide_up_to_a_limit(
        self, cores: int, workers: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
        assert worker_count(-1) == workers


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8))


def torchvisions_own_draw(image: Image.Image, seed: int) -> Image.Image:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RandAugment()(image)


def image_views(count: int = 60) -> list[ImageViews]:
    """Items of one image each, with no, one or two views."""
    return [ImageViews(lambda i=i: picture(i), tuple(range(10 * i, 10 * i + i % 3))) for i in range(count)]  # type: ignore[misc]


class TestPixels:
    @pytest.fixture(scope="class")
    def backbone(self) -> Backbone:
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        half = (0.5, 0.5, 0.5)
        return Backbone("tiny", Network(module, half, half, "bilinear", ""), 16, batch_size=8)

    @pytest.mark.parametrize("workers", WORKERS)
    @pytest.mark.parametrize(
        ("view", "reference"), [(standard_view, standard_view), (rand_augment_view, torchvisions_own_draw)]
    )
    def test_each_view_is_the_one_of_its_seed_on_any_number_of_threads(
        self, backbone: Backbone, view: View, reference: Callable[[Image.Image, int], Image.Image], workers: int
    ) -> None:
        expected = [
            np.asarray(reference(job.load(), seed).resize((16, 16), Image.Resampling.BILINEAR))
            for job in image_views()
            for seed in job.seeds
        ]
        state = torch.get_rng_state()
        made = list(load_pixels(backbone, image_views(), view, workers))
        assert np.array_equal(np.stack(made), np.stack(expected))
        assert torch.equal(torch.get_rng_state(), state)

    @pytest.mark.parametrize("workers", WORKERS)
    def test_features_do_not_depend_on_the_number_of_threads(self, backbone: Backbone, workers: int) -> None:
        plain = embed_images(backbone, [standard_view(job.load(), seed) for job in image_views() for seed in job.seeds])
        ours = embed_pixels(backbone, load_pixels(backbone, image_views(), standard_view, workers))
        assert np.array_equal(ours, plain)

    def test_leaving_early_ends_the_threads(self, backbone: Backbone) -> None:
        with closing(load_pixels(backbone, image_views(), standard_view, 3)) as pixels:
            next(pixels)
            assert len(loaders()) == 3
