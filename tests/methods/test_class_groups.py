"""How many classes are learned together and stored together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import methods.class_groups
from methods.class_groups import class_groups, classes_together
from methods.generator import Generator
from methods.settings import TextualInversionSettings

SETTINGS = TextualInversionSettings()


@pytest.mark.parametrize(
    ("device", "resolution", "classes"),
    [("cpu", 32, 10), ("cpu", 64, 10), ("cpu", 128, 2), ("cpu", 512, 1), ("cuda", 512, 10)],
)
def test_of_large_images_a_cpu_learns_few_classes_together(
    make_generator: Callable[..., Generator], device: str, resolution: int, classes: int
) -> None:
    """Two classes at 512 pixels took 9 GB; when a CPU's memory is exhausted, the run is killed without a message."""
    generator = make_generator(resolution=resolution)
    generator.device = torch.device(device)
    assert classes_together(generator, SETTINGS) == classes
    assert classes_together(generator, replace(SETTINGS, classes_per_batch=9)) == 9


@pytest.mark.parametrize(
    ("gigabytes", "resolution", "classes"),
    [(80, 512, 10), (24, 512, 7), (24, 256, 10), (16, 512, 4), (8, 512, 1), (2, 512, 1)],
)
def test_where_a_size_is_compiled_first_no_more_classes_are_tried_than_fit_on_a_gpu(
    make_generator: Callable[..., Generator],
    monkeypatch: pytest.MonkeyPatch,
    gigabytes: int,
    resolution: int,
    classes: int,
) -> None:
    """Ten classes at 512 pixels took 27 GiB, 2.5 of them for the weights. The groups that are stored ignore the GPU."""
    generator = make_generator(resolution=resolution)
    generator.device, generator.settings = torch.device("cuda"), replace(generator.settings, compile="auto")
    gpu = SimpleNamespace(total_memory=gigabytes * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: gpu)
    assert classes_together(generator, SETTINGS) == classes
    assert classes_together(generator, replace(SETTINGS, classes_per_batch=9)) == 9
    assert [len(group) for group in class_groups(generator, SETTINGS, 23)] == [8, 8, 8]


def test_classes_are_learned_in_groups_of_one_size_where_each_is_compiled_for(
    make_generator: Callable[..., Generator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods.class_groups, "_CLASSES_TOGETHER", 2)
    generator = make_generator()
    assert [list(group) for group in class_groups(generator, SETTINGS, 3)] == [[0, 1], [2]]
    generator.settings = replace(generator.settings, compile="always")
    assert [list(group) for group in class_groups(generator, SETTINGS, 3)] == [[0, 1], [2, 2]]


@pytest.mark.parametrize(("together", "sizes"), [(2, [8, 8, 7]), (20, [12, 11])])
def test_more_than_pay_are_kept_together_where_that_is_set_and_fewer_not(
    make_generator: Callable[..., Generator], together: int, sizes: list[int]
) -> None:
    """The number that fits into memory is left to the learning, so stored words stay valid."""
    groups = class_groups(make_generator(), replace(SETTINGS, classes_per_batch=together), 23)
    assert [len(group) for group in groups] == sizes
