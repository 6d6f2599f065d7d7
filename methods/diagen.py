"""DIAGen: DA-Fusion with (a) noise on the learned words and (b) prompts for diversity, and (c) weights for quality."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.errors import UnknownName
from datasets.few_shot import FewShotTask
from datasets.seeding import seed_from
from methods.as_released import one_counter, words_by_substring
from methods.base import METHODS, Method, SyntheticSet, Tools, registered_name
from methods.da_fusion import PROMPT
from methods.embedding_noise import noisy_words
from methods.hyperparameters import check_generation, require
from methods.pairing import every_pair, pair
from methods.weighting import RULES, weights_from_confidence

CHOICES = {
    "weight": RULES,
    "noisy_word_of": ("label", "substring"),
    "rotation": ("every_pair", "one_counter"),
    "image_seeds": ("of_the_row", "also_of_the_weighting"),
}
"""Except for `weight`: first what the paper means, then what the published code does."""


@METHODS.register("diagen")
@dataclass(frozen=True)
class DIAGen(Method):
    """Lingenberg et al.; every component can be switched on its own.

    strength, guidance_scale, steps, images_per_example, synthetic_probability: as for DA-Fusion.
    prompts_per_class: number of written prompts per class.
    noise_std: the levels σ of Eq. 1, the noise on the learned word; images take them in turn, and 0 is the clean word.
    weight: how the confidence c of the guide classifier becomes an image's weight: `min(1, 2c)` or `c`.
    noisy_word_of: how the noisy words of a class are looked up: by its `label`, or by `substring`, as in the published
        code, where "car" is also given those of "carrot".
    rotation: how prompts and noisy words are combined: in `every_pair`, or, as in the published code, by `one_counter`,
        which leaves pairs out.
    image_seeds: what an image's random seed depends on: `of_the_row` of the plan alone, or `also_of_the_weighting`, as
        in the published code, where switching weights on changes the images themselves.
    enabled: the components that are on.
    """

    title = "DIAGen"
    paper = "Lingenberg, Reuter, Sudhakaran, Gojny, Roth, Schaub-Meyer: DIAGen, GCPR 2024"
    components = ("noise", "prompts", "weights")

    strength: float = 0.7
    guidance_scale: float = 15.0
    steps: int = 50
    images_per_example: int = 10
    synthetic_probability: float = 0.7
    prompts_per_class: int = 10
    noise_std: tuple[float, ...] = (0.0, 0.005, 0.01, 0.025)
    weight: str = RULES[0]
    noisy_word_of: str = "label"
    rotation: str = "every_pair"
    image_seeds: str = "of_the_row"
    enabled: tuple[str, ...] = components

    def __post_init__(self) -> None:
        name = registered_name(self)
        check_generation(name, self)
        require(self.prompts_per_class >= 1, name, "prompts_per_class", "at least 1", self.prompts_per_class)
        levels = self.noise_std
        fine = len(levels) > 0 and min(levels) >= 0 and len(set(levels)) == len(levels)
        require(fine, name, "noise_std", "one or more different numbers, none negative", levels)
        for choice, known in CHOICES.items():
            if getattr(self, choice) not in known:
                raise UnknownName(f"{name}.{choice}", getattr(self, choice), known)
        for component in self.enabled:
            if component not in self.components:
                raise UnknownName("component", component, self.components)

    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        noisy, weighted = "noise" in self.enabled, "weights" in self.enabled
        levels = self.noise_std if noisy else (0.0,)
        prompts: tuple[tuple[str, ...], ...] = ((PROMPT,),) * len(task.classes)
        if "prompts" in self.enabled:  # first, so that a missing language model shows before an hour of learning
            prompts = tools.prompts(task, self.prompts_per_class)  # (b)
        words = noisy_words(tools.textual_inversion(task), levels, seed_from(task.name, task.seed))  # (a) Eq. 1
        plan = pair(
            task,
            words,
            prompts,
            levels=levels,
            images_per_example=self.images_per_example,
            strength=self.strength,
            guidance_scale=self.guidance_scale,
            steps=self.steps,
            turn=one_counter if self.rotation == "one_counter" else every_pair,
            choices=words_by_substring(task.classes, levels) if noisy and self.noisy_word_of == "substring" else None,
            seed_parts=("weighted",) if weighted and self.image_seeds == "also_of_the_weighting" else (),
        )
        images = tools.generate(task, plan)
        if not weighted:
            return images
        return images.weighted(weights_from_confidence(tools.confidence(task, images), self.weight))  # (c) Eq. 2
