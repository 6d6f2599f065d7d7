"""What the oracle reads in a run's synthetic images of mini_focus: which keep their guide's class, in which settings.

python -m methods.mini_sd.judge_plan mlruns/0/RUN/artifacts/tables/plan.json store training/oracle
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from datasets.mini_focus.scene import COMMON, COMMON_TIME, COMMON_WEATHER
from datasets.scripts import run_script
from methods.mini_sd.oracle import ATTRIBUTES, load_oracle


def main(plan: Path, store: Path, oracle: Path) -> None:
    """Print how many of a run's images keep their class, by noise level, and their mean weights.

    PLAN is the table `plan` that the run logged, STORE the folder with its images (DIAGEN_STORE).
    """
    table = json.loads(plan.read_text())
    column = dict(zip(table["columns"], zip(*table["data"], strict=True), strict=True))
    paths = [store / "images" / name[:2] / f"{name}.png" for name in column["image"]]
    readings = load_oracle(oracle).read(np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]))
    read = {name: np.array(words)[readings[name]] for name, words in ATTRIBUTES.items()}
    kept = read["category"] == np.array(column["class"])
    levels, weights = np.array(column["noise_std"]), np.array(column["weight"])
    print(f"{len(kept)} images, class kept in {kept.mean():.1%}")
    for level in np.unique(levels):
        print(f"  noise {level:g}: {kept[levels == level].mean():.1%}")
    print(f"mean weight {weights[kept].mean():.2f} where it is kept, {weights[~kept].mean():.2f} where it is not")
    usual = (COMMON_WEATHER, COMMON_TIME)
    scenes = zip(column["class"], read["location"], read["weather"], read["time"], strict=True)
    common = np.array([place in COMMON[name] and (weather, time) == usual for name, place, weather, time in scenes])
    for what, chosen in (("a common", kept & common), ("an uncommon", kept & ~common)):
        print(f"class kept in {what} setting: {chosen.sum()} images, mean weight {weights[chosen].mean():.2f}")


if __name__ == "__main__":
    run_script(main)
