"""Renders captioned pictures of the miniature world, on which mini_sd is trained.

python -m methods.mini_sd.corpus training/corpus --count 100000
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track

from datasets.errors import UserError
from datasets.mini_focus import CATEGORIES, HELD_OUT, caption, render, sample_scene
from datasets.scripts import run_script
from evaluation.arrays import Pixels

_TOGETHER = 500
"""Pictures that a worker process renders in one batch."""


def main(
    out: Path,
    count: Annotated[int, typer.Option(help="number of pictures")] = 100_000,
    seed: int = 0,
    held_out: Annotated[
        bool, typer.Option(help="include the classes that mini_sd must not see; for training the oracle")
    ] = False,
) -> None:
    """Render `count` random scenes into OUT/images.npy (uint8, count×64×64×3) and OUT/scenes.json."""
    out.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(out / "images.tmp", "w+", np.uint8, (count, 64, 64, 3))
    records: list[dict[str, Any]] = []
    categories = (*CATEGORIES, *HELD_OUT) if held_out else CATEGORIES
    parts = [range(start, min(start + _TOGETHER, count)) for start in range(0, count, _TOGETHER)]
    with ProcessPoolExecutor() as pool:
        made = pool.map(partial(_render_part, seed=seed, categories=categories), parts)
        for part, (pictures, scenes) in zip(track(parts, "rendering"), made, strict=True):
            images[part.start : part.stop] = pictures
            records += scenes
    images.flush()
    (out / "scenes.json").write_text(json.dumps(records))
    (out / "images.tmp").replace(out / "images.npy")


def load_corpus(folder: Path) -> tuple[Pixels, list[dict[str, Any]]]:
    """The pictures (memory-mapped) and, for each, the attributes of its scene and its caption.

    Raises:
        UserError: the folder has no corpus.
    """
    if not (folder / "images.npy").exists():
        raise UserError(f"no corpus in {folder}: run python -m methods.mini_sd.corpus {folder}")
    return np.load(folder / "images.npy", mmap_mode="r"), json.loads((folder / "scenes.json").read_text())


def _render_part(indices: range, seed: int, categories: tuple[str, ...]) -> tuple[Pixels, list[dict[str, Any]]]:
    """The pictures and scenes of these indices, each drawn with its own seed."""
    pictures, scenes = [], []
    for index in indices:
        rng = np.random.default_rng([seed, index])
        scene = sample_scene(rng, category=categories[int(rng.integers(len(categories)))])
        pictures.append(np.asarray(render(scene)))
        scenes.append({"caption": caption(scene, rng), **asdict(scene)})
    return np.stack(pictures), scenes


if __name__ == "__main__":
    run_script(main)
