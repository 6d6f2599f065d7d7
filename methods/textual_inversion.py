"""Textual inversion (Gal et al. 2023) of all classes of a task together: one learned word per class.

Each class has its own draws (images, flips, templates, times, noise) from its own seed, and the loss is a sum over
classes. AdamW on the matrix of words is therefore exactly one AdamW per class: a class learns what it would learn
alone, except for the rounding of larger products.

Some draws never lead to a good word for a class, and the loss on the class's own images shows this. Of several tries,
the word with which the checkpoint denoises these images best is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from PIL import Image

from datasets.errors import UserError
from datasets.seeding import seed_from
from evaluation.arrays import Doubles
from evaluation.memory import Shortage, attempt, does_not_fit
from methods.class_groups import classes_together
from methods.determinism import deterministic_algorithms
from methods.generator import Generator
from methods.groups import even_groups
from methods.inversion_learner import SLOWER_RATES, InversionLearner
from methods.inversion_loss import InversionLoss, fastest_attention
from methods.inversion_samples import ClassSampler, views_of
from methods.joint_inversion import Learned, Matrix
from methods.latent_diffusion import Posterior
from methods.learning_states import LearningStates
from methods.settings import TextualInversionSettings
from methods.text_precision import fastest_products
from methods.tries import Progress, run_tries

CLASS_NOUN = "<noun>"
"""The value of `initial_word` that starts each class from its own noun."""

_JUDGED_SAMPLES = 64
"""Samples of each class on which its tries are compared: the same for all tries, so that their losses differ less by
chance."""


def learn_words(
    generator: Generator,
    images: Sequence[Sequence[Image.Image]],
    settings: TextualInversionSettings,
    seeds: Sequence[int],
    on_progress: Progress | None = None,
    nouns: Sequence[str] | None = None,
    states: LearningStates | None = None,
) -> Matrix:
    """Learn one word for each class.

    Args:
        generator: the checkpoint to learn for.
        images: each class's RGB images.
        settings: steps, samples per class in a step, learning rate, where words start and how often to try.
        seeds: one for each class; with the class's images it determines the class's word.
        on_progress: called after each step, from any thread, with the steps done and the total; both are summed over
            tries and classes.
        nouns: the classes' nouns, needed if words start from them (`initial_word` `<noun>`).
        states: saved states of learning. An earlier call with the same arguments that was stopped is continued from
            them, bit for bit; this call saves its own there.

    Returns:
        The words, float32 (classes, word_dimension).

    Raises:
        UserError: an initial word that the tokenizer does not know, a class that diverges in every try even at a
            hundredth of the rate, or a GPU whose memory cannot hold one class.
    """
    initial = _initial_words(generator, settings.initial_word, len(images), nouns)
    settings = replace(settings, classes_per_batch=classes_together(generator, settings))
    names = nouns or [f"number {label}" for label in range(len(images))]
    loss, views = InversionLoss(generator.model), [_views(generator, of_class) for of_class in images]
    learner = InversionLearner(
        generator, loss, views, names, settings, seeds, initial, {} if states is None else states
    )

    def learn_try(number: int, report: Progress) -> Learned:
        return learner.of_try(number).learn_all(report)

    algorithms = deterministic_algorithms() if settings.deterministic else nullcontext()
    with algorithms, fastest_attention(generator.model), fastest_products(generator.device, generator.dtype):
        tries = run_tries(learn_try, settings.tries, generator.device, on_progress)
    _check_that_each_is_learned(tries, names, settings)
    return tries[0].words if len(tries) == 1 else _best(tries, learner)


def _views(generator: Generator, images: Sequence[Image.Image]) -> Posterior:
    views = attempt(partial(views_of, generator.model, images, generator.settings.resolution))
    if isinstance(views, Shortage):
        raise does_not_fit(views, "images", "generator.resolution")
    return views


def _initial_words(generator: Generator, word: str, classes: int, nouns: Sequence[str] | None) -> Matrix:
    if word != CLASS_NOUN:
        return np.stack([generator.noun_embedding(word)] * classes)
    if nouns is None:
        raise ValueError("words can start from the nouns only where the nouns are given")
    return np.stack([generator.noun_embedding(noun) for noun in nouns])


def _check_that_each_is_learned(
    tries: Sequence[Learned], names: Sequence[str], settings: TextualInversionSettings
) -> None:
    for name, diverged in zip(names, np.all([each.diverged for each in tries], axis=0), strict=True):
        if diverged:
            raise UserError(
                f"the word of class {name} diverges even at learning rate "
                f"{settings.learning_rate / 10**SLOWER_RATES:g}: check its images, "
                "or set generator.dtype=float32 or another textual_inversion.learning_rate"
            )


def _best(tries: Sequence[Learned], learner: InversionLearner) -> Matrix:
    """The word of each class with which the checkpoint denoises its images best, (classes, word_dimension)."""
    losses = np.stack([np.where(each.diverged, np.inf, _losses_under(each.words, learner)) for each in tries])
    words: Matrix = np.stack([each.words for each in tries])[losses.argmin(axis=0), range(len(learner.names))]
    return words


def _losses_under(words: Matrix, learner: InversionLearner) -> Doubles:
    """Each class's loss, (classes,), on the same samples for all tries; as many classes at once as in learning."""
    losses: list[float] = []
    while len(losses) < len(words):
        labels = even_groups(range(len(losses), len(words)), learner.most_together)[0]
        of_group = attempt(partial(_losses_of, labels, words, learner))
        if isinstance(of_group, Shortage):
            learner.take_less(len(labels), of_group)
        else:
            losses += of_group
    return np.nan_to_num(losses, nan=np.inf)


@torch.no_grad()
def _losses_of(labels: Sequence[int], words: Matrix, learner: InversionLearner) -> list[float]:
    loss, batch = learner.loss, learner.settings.batch_size
    count = -(-_JUDGED_SAMPLES // batch) * batch
    seeds = [seed_from("comparison of tries", learner.seeds[label]) for label in labels]
    samplers = [
        ClassSampler(learner.views[label], loss.model.scaling, seed) for label, seed in zip(labels, seeds, strict=True)
    ]
    draws = zip(*(sampler.judging_draws(batch, loss.times, count) for sampler in samplers), strict=True)
    under = torch.tensor(words[list(labels)], device=loss.model.device)
    means: list[float] = torch.stack([loss(of_classes, under) for of_classes in draws]).mean(dim=0).tolist()
    return means
