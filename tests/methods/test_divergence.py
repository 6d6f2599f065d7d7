"""A class that diverges is noticed, named and learned again alone, more slowly; other classes are not affected."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.errors import UserError
from datasets.seeding import seed_from
from evaluation.device import torch_threads
from methods import learning_states
from methods.divergence import STEPS_IN_A_ROW, DivergenceWatch
from methods.generator import Generator
from methods.settings import TextualInversionSettings
from methods.textual_inversion import learn_words

SETTINGS = TextualInversionSettings(steps=12, batch_size=2, learning_rate=0.02)


def _watch(losses: list[list[float]], broken: set[int] | None = None, samples: int = 32) -> list[bool]:
    watch = DivergenceWatch(len(losses[0]), len(losses), samples, torch.device("cpu"))
    for step, row in enumerate(losses):
        gradient = torch.zeros(len(row), 3)
        if step in (broken or set()):
            gradient[0, 1] = torch.nan
        watch.record(step, torch.tensor(row), gradient)
    return watch.diverged().tolist()


def test_a_loss_that_doubles_has_diverged_and_one_that_wavers_has_not() -> None:
    rising = [[0.1 + 0.01 * step, 0.1 + 0.05 * (step % 2)] for step in range(40)]
    assert _watch(rising) == [True, False]
    assert _watch(rising, samples=8) == [True, False]
    assert _watch(rising, samples=7) == [False, False]  # 28 samples in a tenth of the steps are too few to tell


@pytest.mark.parametrize(("growth", "diverged"), [(1.9, False), (2.1, True)])
def test_a_loss_has_diverged_from_twice_what_it_was_on(growth: float, diverged: bool) -> None:
    assert _watch([[0.1]] * 20 + [[0.1 * growth]] * 20) == [diverged]


@pytest.mark.parametrize("step", [0, 3, 36, 39])
@pytest.mark.parametrize("broken", [float("inf"), float("nan")])
def test_a_single_step_without_a_finite_loss_hides_no_growth(step: int, broken: float) -> None:
    losses = [[0.1 + 0.01 * each, 0.1] for each in range(40)]
    losses[step] = [broken, broken]
    assert _watch(losses) == [True, False]


def test_a_last_tenth_without_any_finite_loss_has_diverged() -> None:
    assert _watch([[0.1, 0.1]] * 36 + [[float("nan"), 0.1]] * 4) == [True, False]


def test_ten_steps_in_a_row_without_a_finite_gradient_have_diverged() -> None:
    calm = [[0.1, 0.1]] * 40
    assert _watch(calm, broken=set(range(5, 15))) == [True, False]
    assert _watch(calm, broken=set(range(5, 14))) == [False, False]
    assert _watch(calm, broken=set(range(0, 40, 2))) == [False, False]  # as happens in float16 now and then


@pytest.mark.parametrize("steps", [4, 40])
def test_a_class_that_never_has_a_finite_loss_has_diverged_however_few_its_samples(steps: int) -> None:
    assert _watch([[float("nan"), 0.1]] * steps, samples=1) == [True, False]


def test_a_watch_that_goes_on_elsewhere_counts_from_where_it_was() -> None:
    """Six steps without a gradient and six more later are not ten in a row, but twelve are."""
    for broken, diverged in (({*range(6), *range(9, 15)}, False), (set(range(4, 16)), True)):
        first, second = (DivergenceWatch(1, 20, 1, torch.device("cpu")) for _ in range(2))
        for step in range(20):
            if step == 9:
                second.load_state_dict(first.state_dict())
            gradient = torch.full((1, 3), torch.nan if step in broken else 0.0)
            (first if step < 9 else second).record(step, torch.tensor([0.1]), gradient)
        assert second.diverged().tolist() == [diverged]


@pytest.fixture
def images(guides: dict[int, Image.Image]) -> list[list[Image.Image]]:
    return [[guides[0]], [guides[2]]]


def test_a_diverged_class_is_named_and_learned_again_more_slowly(
    make_generator: Callable[..., Generator],
    images: list[list[Image.Image]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The UNet fails for the second class as long as both are learned together."""
    generator = make_generator()
    healthy = learn_words(generator, images, SETTINGS, [1, 2])
    slow = TextualInversionSettings(steps=12, batch_size=2, learning_rate=0.002)
    expected = learn_words(generator, images[1:], slow, [2])
    predict = generator.model.predict

    def breaks(latents: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        (prediction,) = predict(latents, *arguments, **named)
        if len(latents) == 4:
            broken = torch.ones(4, 1, 1, 1, device=prediction.device)
            broken[2:] = torch.nan
            prediction = prediction * broken
        return (prediction,)

    monkeypatch.setattr(generator.model, "predict", breaks)
    with caplog.at_level(logging.WARNING):
        words = learn_words(generator, images, SETTINGS, [1, 2], nouns=["car", "bird"])
    np.testing.assert_allclose(words, [healthy[0], expected[0]], atol=1e-5)
    assert [record.message for record in caplog.records] == [
        "the word of class bird diverged: learning it again alone, at learning rate 0.002"
    ]


def test_a_class_whose_loss_grows_is_learned_again_more_slowly(
    make_generator: Callable[..., Generator],
    images: list[list[Image.Image]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The UNet's predictions are scaled up more and more, until the last step at the first learning rate."""
    generator, settings = make_generator(), replace(SETTINGS, steps=20, batch_size=16)
    slow = learn_words(generator, images[:1], replace(settings, learning_rate=0.002), [1])
    predict, factors = generator.model.predict, iter(range(1, settings.steps + 1))
    monkeypatch.setattr(generator.model, "predict", lambda *a, **k: (predict(*a, **k)[0] * next(factors, 1),))
    words = learn_words(generator, images[:1], settings, [1], nouns=["car"])
    assert [record.message for record in caplog.records] == [
        "the word of class car diverged: learning it again alone, at learning rate 0.002"
    ]
    np.testing.assert_allclose(words, slow, atol=1e-6)


def test_a_single_step_without_numbers_is_passed_over(
    make_generator: Callable[..., Generator],
    images: list[list[Image.Image]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    generator = make_generator()
    _break_first_steps(generator, 1, monkeypatch)
    assert np.isfinite(learn_words(generator, images[:1], SETTINGS, [1])).all()
    assert not caplog.messages


def test_ctrl_c_is_heard_while_a_class_is_learned_again(
    make_generator: Callable[..., Generator],
    images: list[list[Image.Image]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The progress callback may raise an interrupt, here at the first step at a lower learning rate."""
    generator, calls = make_generator(), []
    predict = generator.model.predict
    monkeypatch.setattr(generator.model, "predict", lambda *a, **k: (predict(*a, **k)[0] * torch.nan,))

    def stop(done: int, _total: int) -> None:
        calls.append(done)
        if "learning it again" in caplog.text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_words(generator, images[:1], SETTINGS, [1], stop, nouns=["car"])
    assert len(calls) == SETTINGS.steps + 1


def test_a_class_that_diverges_twice_is_learned_at_a_hundredth_of_the_rate(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = make_generator()
    slowest = replace(SETTINGS, learning_rate=SETTINGS.learning_rate / 100)
    expected = learn_words(generator, images[:1], slowest, [1])
    _break_first_steps(generator, 2 * SETTINGS.steps, monkeypatch)
    words = learn_words(generator, images[:1], SETTINGS, [1], nouns=["car"])
    np.testing.assert_allclose(words, expected, atol=1e-6)


def _break_first_steps(generator: Generator, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the UNet predict NaN in this many steps."""
    predict, broken = generator.model.predict, iter(range(steps))

    def breaks(*arguments: Any, **named: Any) -> Any:
        (prediction,) = predict(*arguments, **named)
        return (prediction * (torch.nan if next(broken, None) is not None else 1.0),)

    monkeypatch.setattr(generator.model, "predict", breaks)


def test_a_class_that_diverges_at_every_rate_is_refused(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = make_generator()
    predict = generator.model.predict
    monkeypatch.setattr(generator.model, "predict", lambda *a, **k: (predict(*a, **k)[0] * torch.nan,))
    with pytest.raises(UserError, match=r"word of class car diverges even at learning rate 0\.0002: check its images"):
        learn_words(generator, images[:1], SETTINGS, [1], nouns=["car"])


def test_no_steps_are_taken_once_every_class_has_diverged(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a GPU that only gives NaN in float16 would compute for hours before the error is reported."""
    monkeypatch.setattr(learning_states, "SECONDS_BETWEEN_STATES", 0.0)
    generator, done, calls = make_generator(), [], []
    predict = generator.model.predict

    def breaks(latents: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        calls.append(len(latents))
        return (predict(latents, *arguments, **named)[0] * torch.nan,)

    monkeypatch.setattr(generator.model, "predict", breaks)
    settings = replace(SETTINGS, steps=50)
    with pytest.raises(UserError, match="diverges even at"):
        learn_words(generator, images, settings, [1, 2], lambda now, _all: done.append(now))
    together, alone = 2 * settings.batch_size, settings.batch_size
    assert calls == [together] * STEPS_IN_A_ROW + [alone] * 2 * 2 * STEPS_IN_A_ROW
    assert max(done) == 2 * settings.steps


def test_a_class_that_diverges_in_one_try_keeps_the_word_of_another(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try fails at its own rate and at both slower ones; on one core the second try runs after it."""
    generator, rates = make_generator(), 3
    with torch_threads(1):
        expected = learn_words(generator, images[:1], SETTINGS, [seed_from("further try", 1, 1)])
        _break_first_steps(generator, rates * SETTINGS.steps, monkeypatch)
        words = learn_words(generator, images[:1], replace(SETTINGS, tries=2), [1], nouns=["car"])
    np.testing.assert_array_equal(words, expected)
