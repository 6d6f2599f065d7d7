"""What the oracle reads in a run's synthetic images of mini_focus: how many still show their guide's class.

python -m methods.mini_sd.judge_plan mlruns/0/RUN/artifacts/tables/plan.json store training/oracle
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import typer
from PIL import Image

from datasets.mini_focus import CATEGORIES
from methods.mini_sd.oracle import load_oracle


def main(plan: Path, store: Path, oracle: Path) -> None:
    """PLAN is the table `plan` that a run logged, STORE the folder that keeps its images (DIAGEN_STORE)."""
    table = json.loads(plan.read_text())
    column = dict(zip(table["columns"], zip(*table["data"], strict=True), strict=True))
    paths = [store / "images" / name[:2] / f"{name}.png" for name in column["image"]]
    seen = load_oracle(oracle).read(np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]))
    kept = np.array([CATEGORIES[read] == own for read, own in zip(seen["category"], column["class"], strict=True)])
    levels, weights = np.array(column["noise_std"]), np.array(column["weight"])
    print(f"{len(kept)} images, class kept in {kept.mean():.1%}")
    for level in np.unique(levels):
        print(f"  noise {level:g}: {kept[levels == level].mean():.1%}")
    print(f"mean weight {weights[kept].mean():.2f} where it is kept, {weights[~kept].mean():.2f} where it is not")


if __name__ == "__main__":
    typer.run(main)
