"""Words are learned with deterministic algorithms if this is requested; on a CPU the words are the same either way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils import deterministic as in_memory

from methods.determinism import deterministic_algorithms
from methods.generator import Generator
from methods.joint_inversion import JointInversion
from methods.settings import TextualInversionSettings
from methods.textual_inversion import learn_words

SETTINGS = TextualInversionSettings(steps=3, batch_size=2, learning_rate=0.02)


def test_what_held_before_holds_afterwards() -> None:
    with pytest.raises(InterruptedError), deterministic_algorithms():
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert not in_memory.fill_uninitialized_memory
        raise InterruptedError
    assert not torch.are_deterministic_algorithms_enabled()
    assert in_memory.fill_uninitialized_memory


@pytest.mark.parametrize("wanted", [True, False])
def test_every_step_is_taken_by_them_if_that_is_set(
    wanted: bool,
    make_generator: Callable[..., Generator],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator, images, step = make_generator(), [[guides[0]], [guides[1]]], JointInversion.step
    expected = learn_words(generator, images, SETTINGS, [1, 2])
    enabled: list[bool] = []

    def watched(learning: JointInversion) -> None:
        enabled.append(torch.are_deterministic_algorithms_enabled())
        step(learning)

    monkeypatch.setattr(JointInversion, "step", watched)
    words = learn_words(generator, images, replace(SETTINGS, deterministic=wanted), [1, 2])
    assert enabled == [wanted] * 3
    np.testing.assert_array_equal(words, expected)
