"""Pictures of the miniature world with their captions, to train mini_sd on.

python -m methods.mini_sd.corpus --out training/corpus --count 40000
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.progress import track

from datasets.mini_focus import caption, render, sample_scene


def main(out: Path, count: Annotated[int, typer.Option(help="pictures")] = 40_000, seed: int = 0) -> None:
    """Render `count` random scenes into OUT/images.npy (uint8, count×64×64×3) and OUT/scenes.json."""
    out.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(out / "images.tmp", "w+", np.uint8, (count, 64, 64, 3))
    records: list[dict[str, Any]] = []
    for index in track(range(count), "rendering"):
        rng = np.random.default_rng([seed, index])
        scene = sample_scene(rng)
        images[index] = np.asarray(render(scene))
        records.append({"caption": caption(scene, rng), **asdict(scene)})
    images.flush()
    (out / "scenes.json").write_text(json.dumps(records))
    (out / "images.tmp").replace(out / "images.npy")


def load_corpus(folder: Path) -> tuple[npt.NDArray[np.uint8], list[dict[str, Any]]]:
    """The pictures (memory-mapped) and, for each, its scene's attributes with its caption."""
    if not (folder / "images.npy").exists():
        raise SystemExit(f"no corpus in {folder}: run python -m methods.mini_sd.corpus --out {folder}")
    return np.load(folder / "images.npy", mmap_mode="r"), json.loads((folder / "scenes.json").read_text())


if __name__ == "__main__":
    typer.run(main)
