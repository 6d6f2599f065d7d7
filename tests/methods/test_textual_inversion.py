"""Classes learned together get the same words as alone, and these are the words of the textbook loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks_perf.plain_inversion import PlainInversion
from datasets.seeding import seed_from
from evaluation.device import torch_threads
from methods import latent_diffusion
from methods.generator import Generator
from methods.inversion_learner import InversionLearner
from methods.inversion_loss import InversionLoss
from methods.inversion_samples import TEMPLATES, ClassSampler, views_of
from methods.joint_inversion import Learned
from methods.settings import TextualInversionSettings
from methods.textual_inversion import _best, learn_words
from tests.methods.conftest import RESOLUTION

SETTINGS = TextualInversionSettings(steps=4, batch_size=2, learning_rate=0.02, classes_per_batch=10)
TOLERANCE = 2e-4
"""For a word's entries, which change by about 0.08: other batch sizes add numbers in another order."""
SEEDS = [11, 12, 13]


def test_a_class_learns_the_same_alone_and_in_company(
    checkpoint: Path, make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    generator = make_generator(checkpoint)
    together = learn_words(generator, images, SETTINGS, SEEDS)
    assert together.shape == (3, generator.word_dimension)
    assert together.dtype == np.float32
    for i in range(3):
        alone = learn_words(generator, [images[i]], SETTINGS, [SEEDS[i]])
        np.testing.assert_allclose(together[i], alone[0], atol=TOLERANCE)
        assert np.abs(together[i] - generator.noun_embedding("the")).max() > 100 * TOLERANCE


def test_words_are_the_same_by_what_a_gpu_does_otherwise(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The GPU's layouts and text projections, on whatever device runs the tests."""
    expected = learn_words(make_generator(), images, SETTINGS, SEEDS)
    monkeypatch.setattr(latent_diffusion, "_is_gpu", lambda _device: True)
    generator = make_generator()
    assert generator.model.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(learn_words(generator, images, SETTINGS, SEEDS), expected, atol=TOLERANCE)


def test_classes_per_batch_changes_nothing(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    generator = make_generator()
    together = learn_words(generator, images, SETTINGS, SEEDS)
    in_groups = learn_words(generator, images, replace(SETTINGS, classes_per_batch=2), SEEDS)
    np.testing.assert_allclose(together, in_groups, atol=TOLERANCE)


def test_groups_are_even_lest_the_unet_is_compiled_for_each_size(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, sizes = make_generator(), []
    predict = generator.model.predict
    monkeypatch.setattr(
        generator.model, "predict", lambda latents, *a, **k: (sizes.append(len(latents)), predict(latents, *a, **k))[1]
    )
    settings = replace(SETTINGS, steps=1, classes_per_batch=4)
    assert len(learn_words(generator, [images[1]] * 5, settings, range(5))) == 5
    assert sizes == [3 * settings.batch_size, 2 * settings.batch_size]


def test_the_same_seed_learns_the_same_word_and_another_seed_another(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    generator = make_generator()
    first, again = (learn_words(generator, images[:1], SETTINGS, [5]) for _ in range(2))
    other = learn_words(generator, images[:1], SETTINGS, [6])
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > TOLERANCE


def test_it_is_the_published_loop_with_an_added_token(
    checkpoint: Path, make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    """The plain loop adds a token, trains the whole matrix and caches no posterior; both loops use the same draws."""
    plain = PlainInversion(checkpoint, torch.float32)
    generator = make_generator(checkpoint)
    learned = learn_words(generator, images, SETTINGS, SEEDS)
    for word, own, seed in zip(learned, images, SEEDS, strict=True):
        expected = plain.learn(own, SETTINGS, RESOLUTION, seed)
        np.testing.assert_allclose(word, expected, atol=TOLERANCE)
        assert np.abs(expected - generator.noun_embedding("the")).max() > 100 * TOLERANCE


def test_the_published_loop_changes_the_added_row_alone(checkpoint: Path, images: list[list[Image.Image]]) -> None:
    plain = PlainInversion(checkpoint, torch.float32)
    before = plain._table.detach().clone()
    first, other, again = (plain.learn(images[label], SETTINGS, RESOLUTION, seed=1) for label in (0, 1, 0))
    assert torch.equal(plain._table[:-1], before[:-1])
    np.testing.assert_array_equal(first, again)  # a class does not start from the previous one
    assert np.abs(first - other).max() > 10 * TOLERANCE


def test_the_published_loop_computes_activations_twice(checkpoint: Path, images: list[list[Image.Image]]) -> None:
    """As in the command of its README, activations are recomputed in the parts that gradients pass through."""
    plain = PlainInversion(checkpoint, torch.float32)
    passes: list[object] = []
    plain._pipeline.unet.up_blocks[-1].resnets[-1].register_forward_pre_hook(lambda *_: passes.append(None))
    plain.learn(images[0], SETTINGS, RESOLUTION, seed=1)
    assert len(passes) == 2 * SETTINGS.steps


def test_the_word_lowers_the_loss(make_generator: Callable[..., Generator], images: list[list[Image.Image]]) -> None:
    generator = make_generator()
    learned = learn_words(generator, images[:1], replace(SETTINGS, steps=60), [1])
    assert _loss(generator, images[0], learned[0]) < _loss(generator, images[0], generator.noun_embedding("the")) - 1e-3


def _loss(generator: Generator, images: list[Image.Image], word: np.ndarray) -> float:
    """The loss of a word, over many draws that only this file makes."""
    loss = InversionLoss(generator.model)
    views = views_of(generator.model, images, RESOLUTION)
    draws = ClassSampler(views, generator.model.scaling, seed=99).draw(256, loss.times)
    with torch.no_grad():
        return float(loss([draws], torch.from_numpy(word[None]).to(generator.device)))


def test_words_decay_as_is_set(make_generator: Callable[..., Generator], images: list[list[Image.Image]]) -> None:
    """AdamW subtracts a share of the word in addition to the step, which is the same without decay."""
    generator, settings = make_generator(), replace(SETTINGS, steps=1)
    kept, decayed = (
        learn_words(generator, images[:1], replace(settings, weight_decay=decay), [1])[0] for decay in (0.0, 5.0)
    )
    np.testing.assert_allclose(kept - decayed, 0.02 * 5.0 * generator.noun_embedding("the"), atol=1e-6)


def test_of_several_tries_each_class_keeps_the_word_of_the_lowest_loss(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    """Each try equals one learned alone from its seeds, and losses computed independently choose the same one."""
    generator = make_generator()
    settings = replace(SETTINGS, steps=12, learning_rate=0.1)
    chosen = learn_words(generator, images, replace(settings, tries=3), SEEDS)
    seeds = [SEEDS, *([seed_from("further try", seed, number) for seed in SEEDS] for number in (1, 2))]
    with torch_threads(1):  # each of several tries also has one thread
        tries = [learn_words(generator, images, settings, of_try) for of_try in seeds]
    kept = []
    for label, own in enumerate(images):
        best = int(np.argmin([_loss(generator, own, words[label]) for words in tries]))
        np.testing.assert_array_equal(chosen[label], tries[best][label])
        kept.append(best)
    assert len(set(kept)) > 1


def test_tries_are_compared_over_the_whole_schedule(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    model = make_generator().model
    sampler = ClassSampler(views_of(model, images[1], RESOLUTION), model.scaling, seed=0)
    times = torch.cat([draws.times for draws in sampler.judging_draws(4, 1000, 8)])
    assert times.tolist() == [62, 187, 312, 437, 562, 687, 812, 937]


@pytest.mark.parametrize("broken", ["diverged", "no numbers"])
def test_a_broken_try_is_never_the_best(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]], broken: str
) -> None:
    """This holds even if its word is the better one, and in either order."""
    generator, of_class, fine = make_generator(), images[1], np.array([False])
    one, other = (learn_words(generator, [of_class], SETTINGS, [seed]) for seed in (1, 2))
    views = [views_of(generator.model, of_class, RESOLUTION)]
    learner = InversionLearner(generator, InversionLoss(generator.model), views, ["car"], SETTINGS, [1], one, {})
    better = _best([Learned(one, fine), Learned(other, fine)], learner)
    worse = other if np.array_equal(better, one) else one
    spoilt = Learned(better, ~fine) if broken == "diverged" else Learned(np.full_like(better, np.nan), fine)
    for tries in ([spoilt, Learned(worse, fine)], [Learned(worse, fine), spoilt]):
        np.testing.assert_array_equal(_best(tries, learner), worse)


def test_the_try_that_is_kept_does_not_depend_on_the_company(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    generator, settings = make_generator(), replace(SETTINGS, tries=2)
    together = learn_words(generator, images, settings, SEEDS)
    alone = np.concatenate([learn_words(generator, [images[i]], settings, [SEEDS[i]]) for i in range(3)])
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)


def test_the_progress_is_that_of_all_tries(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    seen: list[tuple[int, int]] = []
    settings = replace(SETTINGS, steps=2, tries=2, classes_per_batch=2)
    learn_words(make_generator(), images, settings, SEEDS, lambda done, total: seen.append((done, total)))
    assert sorted(seen) == seen
    assert seen[-1] == (12, 12)  # two steps of three classes in two tries
    assert len(seen) == 8  # in two groups per try


def test_words_of_several_tries_do_not_depend_on_the_number_of_cores(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    generator, settings = make_generator(), replace(SETTINGS, tries=2)
    words = []
    for cores in (1, 2, 3):
        with torch_threads(cores):
            words.append(learn_words(generator, images, settings, SEEDS))
            assert torch.get_num_threads() == cores
    np.testing.assert_array_equal(words[0], words[1])
    np.testing.assert_array_equal(words[0], words[2])


def test_words_can_start_from_the_nouns(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    generator = make_generator()
    settings = replace(SETTINGS, steps=0, initial_word="<noun>")
    words = learn_words(generator, images[:2], settings, SEEDS[:2], nouns=["car", "bird"])
    np.testing.assert_array_equal(words, [generator.noun_embedding("car"), generator.noun_embedding("bird")])


def test_no_model_weight_changes(make_generator: Callable[..., Generator], images: list[list[Image.Image]]) -> None:
    generator = make_generator()
    modules = {"unet": generator.model.unet, "vae": generator.model.vae, "text": generator.model.encoder.text_encoder}
    before = {(m, k): v.clone() for m, module in modules.items() for k, v in module.state_dict().items()}
    learn_words(generator, images, SETTINGS, SEEDS)
    for m, module in modules.items():
        assert all(torch.equal(before[m, k], v) for k, v in module.state_dict().items())
        assert all(parameter.grad is None for parameter in module.parameters())


def test_progress_counts_the_steps_of_all_groups(
    make_generator: Callable[..., Generator], images: list[list[Image.Image]]
) -> None:
    seen: list[tuple[int, int]] = []
    settings = replace(SETTINGS, steps=2, classes_per_batch=2)
    learn_words(make_generator(), images, settings, SEEDS, lambda done, total: seen.append((done, total)))
    assert seen == [(2, 6), (4, 6), (5, 6), (6, 6)]


def test_there_are_27_templates() -> None:
    assert len(set(TEMPLATES)) == 27
