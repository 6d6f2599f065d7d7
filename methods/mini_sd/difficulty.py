"""How hard the miniature world is: linear probes on renders, by which its difficulty was set.

python -m methods.mini_sd.difficulty

No generated picture is involved, and none of the benchmark's own: pictures come from seeds of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer
from numpy.random import Generator

from datasets.mini_focus import CATEGORIES, Scene, sample_common, sample_uncommon
from datasets.scripts import run_script
from evaluation.backbones import load_backbone
from methods.mini_sd.sampling import renders_of, scenes_of
from methods.mini_sd.usefulness import IMAGE_SIZE, features, probe

SEED = 3_000_000
TESTED_PER_CLASS = 60


def main(
    unlimited: Annotated[int, typer.Option(help="renders of each class that stand for as many as one likes")] = 300,
    image_size: Annotated[int, typer.Option(help="pixels at which the backbone sees the pictures")] = IMAGE_SIZE,
    draws: Annotated[int, typer.Option(help="few-shot training sets")] = 5,
) -> None:
    """Print accuracy on common and uncommon settings by 4 real images in common ones, and by 16 and many in all."""
    backbone = load_backbone("efficientnet_lite0", image_size)

    def embedded(scenes: list[Scene]) -> tuple[np.ndarray, np.ndarray]:
        labels = np.array([CATEGORIES.index(scene.category) for scene in scenes])
        return features(backbone, renders_of(scenes)), labels

    tests = [embedded(_drawn(sample, SEED, TESTED_PER_CLASS)) for sample in (sample_common, sample_uncommon)]
    few = [embedded(_drawn(sample_common, SEED + 1 + draw, 4)) for draw in range(draws)]
    some = [embedded(scenes_of(16 * len(CATEGORIES), SEED + 1 + draw)) for draw in range(draws)]
    many = [embedded(scenes_of(unlimited * len(CATEGORIES), SEED))]
    for name, sets in (("4 in common", few), ("16 in all", some), (f"{unlimited} in all", many)):
        common, uncommon = np.mean([probe(*own, tests, seed=draw) for draw, own in enumerate(sets)], axis=0)
        print(f"{name} settings, {image_size} px: common {common:.1%}, uncommon {uncommon:.1%}", flush=True)


def _drawn(sample: Callable[[Generator, str], Scene], seed: int, per_class: int) -> list[Scene]:
    draws = ((index, name) for index in range(per_class) for name in CATEGORIES)
    return [sample(np.random.default_rng([seed, index, CATEGORIES.index(name)]), name) for index, name in draws]


if __name__ == "__main__":
    run_script(main)
