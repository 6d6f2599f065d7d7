"""A method that needs no generator, and runs of any method on squares."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from benchmark.settings import RunSettings, resolve_settings
from datasets.few_shot import FewShotTask
from methods.base import Method, SyntheticSet, Tools
from tests.benchmark.conftest import SMALL


@dataclass(frozen=True)
class Mirror(Method):
    """Return each photo mirrored, or an all-white image; no generator is used."""

    title = "Mirrored photos"
    paper = "nobody's"
    services = ("features",)

    brightness: float = 0.0
    blank: bool = False
    synthetic_probability: float = 0.5

    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        return tools.keep(task, ((guide, self._image(task, guide)) for guide in range(len(task.train))))

    def _image(self, task: FewShotTask, guide: int) -> Image.Image:
        photo = task.image(task.train[guide])
        return Image.new("RGB", photo.size, "white") if self.blank else photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def of(method: str, *overrides: str) -> RunSettings:
    return resolve_settings(method=method, dataset="squares", shots="2", overrides=(*SMALL, *overrides))
