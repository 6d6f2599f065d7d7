"""One try at learning the words of all classes, in groups that fit into memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from datasets.seeding import fingerprint, seed_from
from evaluation.memory import Shortage, attempt, halved
from methods.generator import Generator
from methods.groups import even_groups
from methods.inversion_loss import InversionLoss
from methods.inversion_samples import ClassSampler
from methods.joint_inversion import JointInversion, Learned, Matrix
from methods.latent_diffusion import Posterior
from methods.learning_states import LearningStates, finish
from methods.settings import TextualInversionSettings
from methods.tries import Progress

SLOWER_RATES = 2
"""How many lower rates, each a tenth of the one before, are tried for a class that diverged."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InversionLearner:
    """Learns the words of any of the classes, and learns the same ones each time.

    views: the codec's posteriors of each class's images.
    names: the class names, for warnings.
    seeds: one per class, for this try.
    initial: where the words start, (classes, word_dimension).
    states: saved states, from which learning that was stopped continues.
    """

    generator: Generator
    loss: InversionLoss
    views: Sequence[Posterior]
    names: Sequence[str]
    settings: TextualInversionSettings
    seeds: Sequence[int]
    initial: Matrix
    states: LearningStates

    def of_try(self, number: int) -> InversionLearner:
        """The learner of another try, with other random draws; the first try, 0, uses the classes' seeds unchanged."""
        if number == 0:
            return self
        return replace(self, seeds=[seed_from("further try", seed, number) for seed in self.seeds])

    @property
    def most_together(self) -> int:
        """Most classes to learn together: the setting, or fewer if so many are known not to fit into memory."""
        most, known = self.settings.classes_per_batch, self.generator.most_samples
        return max(1, most if known is None else min(most, known // self.settings.batch_size))

    def learn_all(self, on_progress: Progress) -> Learned:
        """Learn every class, in groups that fit into memory. Classes that diverge are learned again at lower rates.

        A step of n classes is reported as n steps, so that the total does not depend on the grouping.

        Raises:
            UserError: a GPU whose memory cannot hold one class.
        """
        steps, total = self.settings.steps, len(self.views)
        groups: list[Learned] = []
        while (known := sum(len(group.words) for group in groups)) < total:
            labels = even_groups(range(known, total), self.most_together)[0]
            report = _progress_of(len(labels), known * steps, total * steps, on_progress)
            learned = self._learn(labels, self.settings.learning_rate, report)
            if isinstance(learned, Shortage):
                self.take_less(len(labels), learned)
                continue
            for row in np.flatnonzero(learned.diverged).tolist():
                again = self._learn_slower(labels[row], partial(report, steps))
                learned.words[row], learned.diverged[row] = again.words[0], again.diverged[0]
            groups.append(learned)
        return Learned(*(np.concatenate(parts) for parts in zip(*((g.words, g.diverged) for g in groups), strict=True)))

    def _learn(self, labels: Sequence[int], rate: float, report: Callable[[int], None]) -> Learned | Shortage:
        """Learn the words of some classes together; returns a `Shortage` if they do not fit into memory."""

        def work() -> Learned:
            scaling = self.generator.model.scaling
            samplers = [ClassSampler(self.views[label], scaling, self.seeds[label]) for label in labels]
            settings = replace(self.settings, learning_rate=rate)
            learning = JointInversion(self.loss, samplers, self.initial[list(labels)], settings)
            name = fingerprint([self.seeds[label] for label in labels], rate)
            finish(learning, settings.steps, self.states, name, report)
            return learning.learned()

        return attempt(work)

    def take_less(self, classes: int, shortage: Shortage) -> None:
        """Make learning take less memory from now on, in later calls too, after so many classes did not fit.

        One class is first tried with gradient checkpointing; raises `UserError` if it does not fit even then.
        """
        unet = self.generator.model.unet
        if classes == 1 and not unet.is_gradient_checkpointing:
            logger.warning(
                "even one class does not fit into memory: computing activations twice (gradient checkpointing)"
            )
            unet.enable_gradient_checkpointing()
            return
        setting = "textual_inversion.classes_per_batch"
        fewer = halved(classes, shortage, "classes", "generator.resolution", setting)
        self.generator.most_samples = fewer * self.settings.batch_size

    def _learn_slower(self, label: int, report: Callable[[], None]) -> Learned:
        """Learn a diverged class again, alone, at a tenth of the rate, then a hundredth; `report` is a sign of life."""
        rate, name = self.settings.learning_rate, self.names[label]
        for slower in range(1, SLOWER_RATES + 1):
            slow = rate / 10**slower
            logger.warning("the word of class %s diverged: learning it again alone, at learning rate %g", name, slow)
            learned = self._learn_alone(label, slow, report)
            if not learned.diverged[0]:
                break
        return learned

    def _learn_alone(self, label: int, rate: float, report: Callable[[], None]) -> Learned:
        while isinstance(learned := self._learn([label], rate, lambda _step: report()), Shortage):
            self.take_less(1, learned)
        return learned


def _progress_of(classes: int, before: int, total: int, report: Progress) -> Callable[[int], None]:
    return lambda step: report(before + classes * step, total)
