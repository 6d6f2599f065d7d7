"""How hard the miniature world is: the accuracy of linear probes on renders, by which its difficulty was tuned.

python -m methods.mini_sd.difficulty

It uses neither generated pictures nor those of the benchmark: its pictures come from separate seeds.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from datasets.mini_focus import CATEGORIES, sample_common
from datasets.scripts import run_script
from evaluation.backbones import load_backbone
from methods.mini_sd.sampling import scenes_of
from methods.mini_sd.usefulness import IMAGE_SIZE, SEED, embedded, probe, scenes_by, test_sets


def main(
    unlimited: Annotated[
        int, typer.Option(help="renders of each class in the training set that stands for unlimited data")
    ] = 300,
    image_size: Annotated[int, typer.Option(help="side in pixels of the pictures that the backbone sees")] = IMAGE_SIZE,
    draws: Annotated[int, typer.Option(help="number of few-shot training sets")] = 5,
) -> None:
    """Print the accuracy of a linear probe on common and uncommon settings.

    It is trained on 4 renders per class in common settings, then on 16 and on many per class in all settings.
    """
    backbone = load_backbone("efficientnet_lite0", image_size)
    tests = list(test_sets(backbone).values())
    few = [embedded(backbone, scenes_by(sample_common, SEED + 1 + draw, 4)) for draw in range(draws)]
    some = [embedded(backbone, scenes_of(16 * len(CATEGORIES), SEED + 1 + draw)) for draw in range(draws)]
    many = [embedded(backbone, scenes_of(unlimited * len(CATEGORIES), SEED))]
    for name, sets in (("4 in common", few), ("16 in all", some), (f"{unlimited} in all", many)):
        common, uncommon = np.mean([probe(*own, tests, seed=draw) for draw, own in enumerate(sets)], axis=0)
        print(f"{name} settings, {image_size} px: common {common:.1%}, uncommon {uncommon:.1%}", flush=True)


if __name__ == "__main__":
    run_script(main)
