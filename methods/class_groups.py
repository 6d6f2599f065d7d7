"""Decides how many classes textual inversion learns together."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from methods.generator import Generator, as_many_as_pay
from methods.groups import equal_groups, even_groups
from methods.settings import TextualInversionSettings

_CLASSES_TOGETHER = 10
"""Most classes learned together by default; on a CPU, for images of 64 pixels."""

_TAKEN, _OF_A_SAMPLE = 3.5 * 2**30, 0.62 * 2**30
"""Bytes of GPU memory with Stable Diffusion 1: those taken besides compiled steps (by weights, backbones and CUDA
itself), and those per 512-pixel sample of a compiled step. 40 samples took 27 GiB, including the weights."""

_LEFT_FREE = 0.1
"""Share of a GPU's memory left for screens, other programs and fragmentation."""


def class_groups(generator: Generator, settings: TextualInversionSettings, classes: int) -> list[Sequence[int]]:
    """The classes' labels, in groups whose words are learned and kept together.

    A group has as many classes as pay, or more if set so. Fitting fewer into memory does not change the words.
    If the networks are compiled, all groups have the same size, and smaller ones repeat their last label: learning a
    word twice takes seconds, compiling for another size takes minutes.
    """
    groups = equal_groups if generator.compiled else even_groups
    return groups(range(classes), max(_classes_that_pay(generator), settings.classes_per_batch))


def classes_together(generator: Generator, settings: TextualInversionSettings) -> int:
    """Most classes to learn together: the setting, or else as many as pay and, if compiled on a GPU, should fit.

    Otherwise it would take minutes of compiling to see that they do not fit.
    """
    if settings.classes_per_batch:
        return settings.classes_per_batch
    compiled_on_a_gpu = generator.compiled and generator.device.type == "cuda"
    pay = _classes_that_pay(generator)
    return min(pay, _classes_that_fit(generator, settings)) if compiled_on_a_gpu else pay


def _classes_that_pay(generator: Generator) -> int:
    """The number of classes that pay to learn together.

    On a CPU, larger images gain little from it, and a lack of memory would not be noticed: eight samples of 512 pixels
    take about 9 GB with Stable Diffusion 1.4.
    """
    return as_many_as_pay(generator.device, generator.settings.resolution, _CLASSES_TOGETHER, _CLASSES_TOGETHER)


def _classes_that_fit(generator: Generator, settings: TextualInversionSettings) -> int:
    """The number of classes that should fit, by the GPU's total memory, so that it never depends on other programs."""
    memory = torch.cuda.get_device_properties(generator.device).total_memory * (1 - _LEFT_FREE)
    of_a_class = settings.batch_size * _OF_A_SAMPLE * (generator.settings.resolution / 512) ** 2
    return max(1, int((memory - _TAKEN) / of_a_class))
