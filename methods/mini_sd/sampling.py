"""Draws pictures of scenes with mini_sd in diffusers' own pipelines, and compares the oracle's readings of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from PIL import Image
from rich.progress import track

from datasets.folders import require_folder
from datasets.mini_focus import CATEGORIES, LOCATIONS, Scene, full_caption, render, sample_scene
from evaluation.arrays import Indices, Pixels, Singles
from evaluation.device import default_device
from methods.mini_sd.oracle import ATTRIBUTES, Oracle
from methods.mini_sd.training import generator_of, mixed_precision

SEED = 1_000_003
"""Seed of the evaluation's pictures; it differs from that of the corpus."""
BATCH_SIZE = 50
ETA = 1.0
"""Share of fresh noise in each step, as in the preset `mini`."""
GUIDANCE_SCALE = 3.0
"""Scale of classifier-free guidance, as in the preset `mini`."""


def open_pipeline(weights: Path) -> StableDiffusionPipeline:
    """Load a folder of weights in diffusers' layout, in float32; raises `UserError` if there is none."""
    require_folder(weights, "weights in diffusers' layout are needed, such as methods/mini_sd/weights")
    pipeline = StableDiffusionPipeline.from_pretrained(
        weights, dtype=torch.float32, low_cpu_mem_usage=False, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(default_device())


def image_to_image(pipeline: StableDiffusionPipeline) -> StableDiffusionImg2ImgPipeline:
    """The same model as an image-to-image pipeline."""
    editor = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    editor.set_progress_bar_config(disable=True)
    return editor


def scenes_of(count: int, seed: int = SEED) -> list[Scene]:
    """Random scenes in all settings, with balanced classes."""
    draws = (np.random.default_rng([seed, i]) for i in range(count))
    return [sample_scene(rng, category=CATEGORIES[i % len(CATEGORIES)]) for i, rng in enumerate(draws)]


def renders_of(scenes: Sequence[Scene]) -> Pixels:
    """uint8 pictures (N, 64, 64, 3)."""
    return np.stack([np.asarray(render(scene)) for scene in scenes])


def prompts_of(scenes: Sequence[Scene], seed: int = SEED) -> list[str]:
    """Captions that name location, weather and time, so that the picture can be checked for them."""
    return [full_caption(scene, np.random.default_rng([seed, i, 1])) for i, scene in enumerate(scenes)]


def text_to_image(
    pipeline: StableDiffusionPipeline,
    prompts: Sequence[str],
    guidance_scale: float,
    steps: int,
    seed: int = SEED,
    eta: float = ETA,
) -> Pixels:
    """uint8 pictures (N, 64, 64, 3), each from its own seed."""
    pictures = []
    for start in track(range(0, len(prompts), BATCH_SIZE), "text to image"):
        part = list(prompts[start : start + BATCH_SIZE])
        draws = [generator_of(seed, start + i) for i in range(len(part))]
        with mixed_precision(pipeline.device):
            made = pipeline(
                part,
                generator=draws,
                guidance_scale=guidance_scale,
                num_inference_steps=steps,
                eta=eta,
                output_type="np",
            )
        pictures.append(_bytes(made.images))
    return np.concatenate(pictures)


def moved_elsewhere(guides: Sequence[Scene]) -> list[Scene]:
    """For each guide, a scene of its class at another location."""
    moved = []
    for i, guide in enumerate(guides):
        rng = np.random.default_rng([SEED, i, 2])
        others = [place for place in LOCATIONS if place != guide.location]
        moved.append(sample_scene(rng, category=guide.category, location=others[int(rng.integers(len(others)))]))
    return moved


def edit(
    editor: StableDiffusionImg2ImgPipeline,
    guides: Pixels,
    prompts: Sequence[str],
    strength: float,
    guidance_scale: float,
    steps: int,
    eta: float = ETA,
) -> Pixels:
    """Edit the guides (N, 64, 64, 3) to match the prompts, running a share `strength` of the schedule's `steps`."""
    pictures = []
    for start in range(0, len(guides), BATCH_SIZE):
        rows = range(start, min(start + BATCH_SIZE, len(guides)))
        with mixed_precision(editor.device):
            made = editor(
                [prompts[i] for i in rows],
                image=np.stack([guides[i] for i in rows]).astype(np.float32) / 255,
                strength=strength,
                generator=[generator_of(SEED, i) for i in rows],
                guidance_scale=guidance_scale,
                num_inference_steps=steps,
                eta=eta,
                output_type="np",
            )
        pictures.append(_bytes(made.images))
    return np.concatenate(pictures)


def fidelity(judge: Oracle, pictures: Pixels, scenes: Sequence[Scene]) -> str:
    """Text with each attribute's share of pictures in which the oracle reads what the scene says."""
    readings = judge.read(pictures)
    shares = {name: agreement(readings, scenes, name) for name in ATTRIBUTES}
    return ", ".join(f"{name} {share:.3f}" for name, share in shares.items())


def agreement(readings: dict[str, Indices], scenes: Sequence[Scene], name: str) -> float:
    """Share of readings of one attribute that agree with the scenes."""
    words = ATTRIBUTES[name]
    pairs = zip(readings[name], scenes, strict=True)
    return float(np.mean([words[index] == getattr(scene, name) for index, scene in pairs]))


def save_sheet(rows: Sequence[Pixels], path: Path) -> None:
    """Save a contact sheet of uint8 pictures (N, 64, 64, 3), one line per row."""
    sheet = Image.new("RGB", (max(map(len, rows)) * 66, len(rows) * 66), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (x * 66, y * 66))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _bytes(images: Singles) -> Pixels:
    return (images * 255).round().astype(np.uint8)
