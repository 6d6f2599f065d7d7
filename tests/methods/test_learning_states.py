"""Interrupted learning resumes where it stopped, and learns the same word, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from methods import learning_states
from methods.generator import Generator
from methods.inversion_loss import InversionLoss
from methods.inversion_samples import ClassSampler, views_of
from methods.joint_inversion import JointInversion
from methods.settings import TextualInversionSettings
from methods.textual_inversion import learn_words
from tests.methods.conftest import RESOLUTION

SETTINGS = TextualInversionSettings(steps=4, batch_size=2, learning_rate=0.02, classes_per_batch=10)
SEEDS = [11, 12, 13]


@pytest.fixture(autouse=True)
def each_state_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_states, "SECONDS_BETWEEN_STATES", 0.0)


@pytest.mark.parametrize(("tries", "most"), [(1, 10), (1, 2), (2, 10)])
def test_it_goes_on_to_the_same_words(
    make_generator: Callable[..., Generator],
    images: list[list[Image.Image]],
    tries: int,
    most: int,
) -> None:
    generator, settings = make_generator(), replace(SETTINGS, tries=tries, classes_per_batch=most)
    expected = learn_words(generator, images, settings, SEEDS)
    states: dict[str, Any] = {}
    seen: list[int] = []

    def stops(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_words(generator, images, settings, SEEDS, stops, states=states)
    assert states
    resumed: list[int] = []
    words = learn_words(generator, images, settings, SEEDS, lambda done, _total: resumed.append(done), states=states)
    np.testing.assert_array_equal(words, expected)
    assert resumed[-1] == 4 * 3 * tries  # every step of every class and try is counted
    assert len(resumed) < 4 * (2 if most == 2 else 1) * tries  # and some were not repeated


def test_what_was_learned_is_not_learned_again(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, states = make_generator(), {}
    first = learn_words(generator, images, SETTINGS, SEEDS, states=states)
    monkeypatch.setattr(JointInversion, "step", lambda _self: pytest.fail("a step is taken again"))
    np.testing.assert_array_equal(learn_words(generator, images, SETTINGS, SEEDS, states=states), first)


def test_a_state_stays_what_it_was_while_the_learning_goes_on(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    loss = InversionLoss(make_generator().model)
    views, initial = views_of(loss.model, images[1], RESOLUTION), np.full((1, loss.model.encoder.width), 0.1)
    before, after = (
        JointInversion(loss, [ClassSampler(views, loss.model.scaling, 1)], initial.astype(np.float32), SETTINGS)
        for _ in range(2)
    )
    before.step()
    state = before.state_dict()
    before.step()
    after.load_state_dict(state)
    after.step()
    np.testing.assert_array_equal(after.learned().words, before.learned().words)


def test_a_class_that_diverged_before_the_stop_is_known_after_it(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    loss = InversionLoss(make_generator().model)
    settings = replace(SETTINGS, steps=20)

    def learning() -> JointInversion:
        views = views_of(loss.model, images[1], RESOLUTION)
        samplers = [ClassSampler(views, loss.model.scaling, seed) for seed in (1, 2)]
        initial = np.stack([np.full(loss.model.encoder.width, start, np.float32) for start in (np.nan, 0.1)])
        return JointInversion(loss, samplers, initial, settings)

    before, after = learning(), learning()
    for _ in range(10):
        before.step()
    after.load_state_dict(before.state_dict())
    assert after.steps_done == 10
    assert after.learned().diverged.tolist() == [True, False]


def test_states_are_kept_now_and_then_and_at_the_end(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each saved state has to wait for the GPU."""
    kept: list[int] = []
    monkeypatch.setattr(learning_states, "SECONDS_BETWEEN_STATES", 10.0)
    clock = iter([0.0, 4.0, 11.0, 11.0, 15.0, 30.0])
    monkeypatch.setattr(learning_states.time, "monotonic", lambda: next(clock))

    class States(dict[str, Any]):
        def __setitem__(self, name: str, state: dict[str, Any]) -> None:
            kept.append(state["steps_done"])

    learn_words(make_generator(), images[:1], SETTINGS, [1], states=States())
    assert kept == [2, 4]
