"""DA-Fusion: image-to-image variations of each real image, prompted with the class's learned word."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.few_shot import FewShotTask
from methods.base import METHODS, Method, SyntheticSet, Tools, registered_name
from methods.hyperparameters import check_generation
from methods.pairing import pair
from methods.plan import PLACEHOLDER

PROMPT = f"a photo of a {PLACEHOLDER}"


@METHODS.register("da_fusion")
@dataclass(frozen=True)
class DAFusion(Method):
    """Trabucco et al., with the hyper-parameters of DIAGen's paper.

    strength: SDEdit's t0, the share of the noise schedule that is run, in (0, 1].
    guidance_scale: scale of classifier-free guidance.
    steps: denoising steps of the whole schedule, of which `strength` runs a share.
    images_per_example: M, the number of synthetic images per real image.
    synthetic_probability: α of Eq. 2, the probability that training draws a synthetic image in place of its real one.
    """

    title = "DA-Fusion"
    paper = "Trabucco, Doherty, Gurinas, Salakhutdinov: Effective Data Augmentation With Diffusion Models, ICLR 2024"
    services = ("generator", "textual_inversion", "features")

    strength: float = 0.5
    guidance_scale: float = 7.5
    steps: int = 50
    images_per_example: int = 10
    synthetic_probability: float = 0.5

    def __post_init__(self) -> None:
        check_generation(registered_name(self), self)

    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        words = tools.textual_inversion(task)
        plan = pair(
            task,
            [(word,) for word in words],
            [(PROMPT,)] * len(task.classes),
            images_per_example=self.images_per_example,
            strength=self.strength,
            guidance_scale=self.guidance_scale,
            steps=self.steps,
        )
        return tools.generate(task, plan)
