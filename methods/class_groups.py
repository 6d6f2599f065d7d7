"""How many classes textual inversion learns together."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from methods.generator import Generator, as_many_as_pay
from methods.groups import equal_groups, even_groups
from methods.settings import TextualInversionSettings

_CLASSES_TOGETHER = 10
"""At most, where nothing else is set: on a CPU, of 64 pixels."""

_TAKEN, _OF_A_SAMPLE = 3.5 * 2**30, 0.62 * 2**30
"""Bytes of a GPU that are taken beside compiled steps, with Stable Diffusion 1 (weights, backbones, CUDA's own), and by
each of their samples of 512 pixels: 40 took 27 GiB with the weights."""

_LEFT_FREE = 0.1
"""Of a GPU's memory: for screens, other programs, and what lies scattered."""


def class_groups(generator: Generator, settings: TextualInversionSettings, classes: int) -> list[Sequence[int]]:
    """The classes' labels, in groups whose words are learned and kept together.

    As many as pay, or more where that is set: that fewer fit into memory makes no other words.
    Where the networks are compiled all groups are of one size, the last label of a smaller one named again: to learn a
    word twice takes seconds, to compile for another size minutes.
    """
    groups = equal_groups if generator.compiled else even_groups
    return groups(range(classes), max(_classes_that_pay(generator), settings.classes_per_batch))


def classes_together(generator: Generator, settings: TextualInversionSettings) -> int:
    """Classes that learn together at most: as is set, else as many as pay, and on a GPU no more than should fit.

    That they do not fit would be seen only after minutes of compiling.
    """
    if settings.classes_per_batch:
        return settings.classes_per_batch
    compiled_on_a_gpu = generator.compiled and generator.device.type == "cuda"
    pay = _classes_that_pay(generator)
    return min(pay, _classes_that_fit(generator, settings)) if compiled_on_a_gpu else pay


def _classes_that_pay(generator: Generator) -> int:
    """On a CPU larger images pay hardly more together than alone, and nothing would notice a shortage of memory.

    Eight samples of 512 pixels take some 9 GB with Stable Diffusion 1.4.
    """
    return as_many_as_pay(generator.device, generator.settings.resolution, _CLASSES_TOGETHER, _CLASSES_TOGETHER)


def _classes_that_fit(generator: Generator, settings: TextualInversionSettings) -> int:
    """By what the GPU holds in all, whatever else is on it: the same on each day."""
    memory = torch.cuda.get_device_properties(generator.device).total_memory * (1 - _LEFT_FREE)
    of_a_class = settings.batch_size * _OF_A_SAMPLE * (generator.settings.resolution / 512) ** 2
    return max(1, int((memory - _TAKEN) / of_a_class))
