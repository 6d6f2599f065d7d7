"""If memory runs out, smaller batches give the same result; if they cannot get smaller, an error says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.errors import UserError
from methods.generator import Generator
from methods.latent_diffusion import LatentDiffusion
from methods.plan import PlanRow
from methods.settings import TextualInversionSettings
from methods.textual_inversion import learn_words

ROWS = [PlanRow(i % 3, 0, "a photo of a <word>", "a", 0.7, 7.5, 10, seed=i) for i in range(5)]
WORD = {"a": np.random.default_rng(1).normal(0, 0.5, 16).astype(np.float32)}
INVERSION = TextualInversionSettings(steps=3, batch_size=2, learning_rate=0.02)


def _full(*_arguments: Any, **_named: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory")


def _room_for(generator: Generator, rows: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Limit the UNet's memory to this many rows; return the list of the rows in each call."""
    monkeypatch.setattr(Generator, "_side_by_side", Generator._one_after_the_other)
    predict, seen = generator.model.predict, []

    def limited(latents: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        seen.append(len(latents))
        if len(latents) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predict(latents, *arguments, **named)

    monkeypatch.setattr(generator.model, "predict", limited)
    return seen


def test_a_batch_that_does_not_fit_is_halved_and_no_image_is_lost(
    make_generator: Callable[..., Generator],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = dict(make_generator(batch_size=1).generate(ROWS, WORD, guides))
    generator = make_generator(batch_size=8)
    seen = _room_for(generator, 4, monkeypatch)  # guidance doubles a batch of two
    with caplog.at_level(logging.WARNING):
        made = dict(generator.generate(ROWS, WORD, guides))
    assert sorted(made) == list(range(5))
    assert seen[:3] == [16, 8, 4]
    assert generator.batch_size == 2
    for i, image in made.items():
        assert np.abs(np.asarray(image, int) - np.asarray(expected[i], int)).max() <= 1
    assert [record.message for record in caplog.records] == [
        "8 images at once do not fit into memory: going on with 4 (generator.batch_size)",
        "4 images at once do not fit into memory: going on with 2 (generator.batch_size)",
    ]


def test_an_image_that_does_not_fit_alone_is_refused(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = make_generator(batch_size=2)
    _room_for(generator, 1, monkeypatch)
    with pytest.raises(UserError, match="one of the images does not fit into the memory of"):
        list(generator.generate(ROWS, WORD, guides))


def test_a_guide_that_cannot_be_encoded_is_refused(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = make_generator()
    monkeypatch.setattr(generator.model, "posterior", _full)
    with pytest.raises(UserError, match=r"one of the guides does not fit .* or lower generator\.resolution$"):
        list(generator.generate(ROWS, WORD, guides))


def test_prompts_that_do_not_fit_together_are_encoded_in_smaller_batches(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [replace(row, prompt=f"a photo of a <word> {'in snow at night'[: 3 * i]}") for i, row in enumerate(ROWS)]
    expected = dict(make_generator(batch_size=1).generate(rows, WORD, guides))
    generator = make_generator(batch_size=8)
    encode = generator.model.encoder.encode

    def limited(tokens: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        return _full() if len(tokens) > 2 else encode(tokens, words)

    monkeypatch.setattr(generator.model.encoder, "encode", limited)
    made = dict(generator.generate(rows, WORD, guides))
    assert generator.batch_size == 2
    for i, image in made.items():
        assert np.abs(np.asarray(image, int) - np.asarray(expected[i], int)).max() <= 1


def test_classes_that_do_not_fit_together_learn_the_same_words_in_smaller_groups(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries are equal to within 2e-4 and change by 0.06 during learning."""
    generator, images = make_generator(), [[guides[0]], [guides[1]], [guides[2]]]
    expected = learn_words(generator, images, INVERSION, [1, 2, 3])
    seen = _room_for(generator, 2, monkeypatch)
    for _ in range(2):
        np.testing.assert_allclose(learn_words(generator, images, INVERSION, [1, 2, 3]), expected, atol=2e-4)
    assert seen == [6] + [2] * 2 * 3 * INVERSION.steps  # a size that once did not fit is not tried again


def test_tries_are_compared_in_smaller_groups_where_memory_runs_out_then(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process takes the memory once everything is learned; progress never exceeds its total."""
    generator, images = make_generator(), [[guides[0]], [guides[1]], [guides[2]]]
    settings = replace(INVERSION, tries=2)
    expected = learn_words(generator, images, settings, [1, 2, 3])
    predict, compared = generator.model.predict, []

    def limited(latents: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            compared.append(len(latents))
            if len(latents) > 4:
                return _full()
        return predict(latents, *arguments, **named)

    monkeypatch.setattr(generator.model, "predict", limited)
    np.testing.assert_allclose(learn_words(generator, images, settings, [1, 2, 3]), expected, atol=2e-4)
    assert compared[0] == 6
    assert set(compared[1:]) == {2}


def test_progress_is_told_again_from_where_a_group_that_did_not_fit_began(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, images, seen = make_generator(), [[guides[0]], [guides[1]], [guides[2]]], []
    predict, calls = generator.model.predict, []

    def full_at_the_second_step(latents: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        calls.append(len(latents))
        return _full() if len(calls) == 2 else predict(latents, *arguments, **named)

    monkeypatch.setattr(generator.model, "predict", full_at_the_second_step)
    learn_words(generator, images, INVERSION, [1, 2, 3], lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == [3, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert {total for _, total in seen} == {9}


def test_a_class_that_does_not_fit_alone_is_tried_with_checkpointing(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image]
) -> None:
    generator = make_generator()
    expected = learn_words(generator, [[guides[0]]], INVERSION, [1])
    predict = generator.model.predict

    def greedy(*arguments: Any, **named: Any) -> Any:
        if not generator.model.unet.is_gradient_checkpointing:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predict(*arguments, **named)

    generator.model.predict = greedy
    words = learn_words(generator, [[guides[0]]], replace(INVERSION, classes_per_batch=1), [1])
    np.testing.assert_allclose(words, expected, atol=1e-6)


def test_a_diverged_class_that_does_not_fit_alone_is_tried_with_checkpointing(
    make_generator: Callable[..., Generator],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another process takes the memory while the class is being learned again."""
    generator = make_generator()
    unet, predict, slower = generator.model.unet, generator.model.predict, "learning it again alone, at learning rate"

    def breaks(*arguments: Any, **named: Any) -> Any:
        (prediction,) = predict(*arguments, **named)
        if slower not in caplog.text:
            return (prediction * torch.nan,)
        return (prediction,) if unet.is_gradient_checkpointing else _full()

    monkeypatch.setattr(generator.model, "predict", breaks)
    words = learn_words(generator, [[guides[0]]], INVERSION, [1], nouns=["car"])
    assert [record.message for record in caplog.records] == [
        f"the word of class car diverged: {slower} 0.002",
        "even one class does not fit into memory: computing activations twice (gradient checkpointing)",
    ]
    monkeypatch.setattr(generator.model, "predict", predict)
    slow = replace(INVERSION, learning_rate=0.002)
    np.testing.assert_allclose(words, learn_words(generator, [[guides[0]]], slow, [1]), atol=1e-6)


def test_a_diverged_class_that_does_not_fit_so_either_is_refused_for_memory(
    make_generator: Callable[..., Generator],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    generator = make_generator()
    predict = generator.model.predict

    def breaks(*arguments: Any, **named: Any) -> Any:
        return _full() if caplog.records else (predict(*arguments, **named)[0] * torch.nan,)

    monkeypatch.setattr(generator.model, "predict", breaks)
    with pytest.raises(UserError, match="one of the classes does not fit into the memory"):
        learn_words(generator, [[guides[0]]], INVERSION, [1], nouns=["car"])


def test_a_model_that_does_not_fit_says_what_it_needs(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import UNet2DConditionModel

    monkeypatch.setattr(UNet2DConditionModel, "to", _full)
    with pytest.raises(UserError, match=r"checkpoint \S+/ddim needs 0\.0 GB for its weights alone"):
        LatentDiffusion(checkpoints["ddim"], torch.device("cpu"), torch.float32)
