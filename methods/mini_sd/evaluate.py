"""Judge mini_sd: reconstruction, and what the oracle reads in its pictures.

python -m methods.mini_sd.evaluate methods/mini_sd/weights training/oracle --sheet reports/mini_sd.png
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from PIL import Image
from rich.progress import track

from datasets.mini_focus import CATEGORIES, LOCATIONS, Scene, caption, render, sample_scene
from datasets.mini_focus.caption import PLACES
from evaluation.device import default_device
from methods.mini_sd.oracle import ATTRIBUTES, Oracle, load_oracle
from methods.mini_sd.train_autoencoder import psnr
from methods.mini_sd.training import generator_of

SEED = 1_000_003
"""Pictures of the judgement come from another seed than the corpus."""
BATCH_SIZE = 32
STRENGTHS = (0.3, 0.5, 0.7, 0.9)

Pictures = npt.NDArray[np.uint8]


def main(
    weights: Path,
    oracle: Path,
    samples: Annotated[int, typer.Option(help="text-to-image samples")] = 500,
    edits: Annotated[int, typer.Option(help="img2img samples per strength")] = 100,
    guidance_scale: float = 4.0,
    steps: Annotated[int, typer.Option(help="denoising steps of a text-to-image sample")] = 25,
    sheet: Annotated[Path | None, typer.Option(help="where to save a contact sheet")] = None,
) -> None:
    """Print PSNR, text-to-image fidelity and the effect of img2img strength, each as the oracle reads it."""
    judge = load_oracle(oracle)
    pipeline = StableDiffusionPipeline.from_pretrained(weights, torch_dtype=torch.float32, safety_checker=None)
    pipeline = pipeline.to(default_device())
    pipeline.set_progress_bar_config(disable=True)
    scenes = scenes_of(max(samples, 256))
    renders = np.stack([np.asarray(render(scene)) for scene in scenes])
    print(f"reconstruction {reconstruction(pipeline, renders[:256]):.2f} dB on 256 fresh renders")
    print(f"oracle on {len(scenes)} fresh renders: {fidelity(judge, renders, scenes)}")
    pictures = text_to_image(pipeline, scenes[:samples], guidance_scale, steps)
    what = f"text-to-image, n={samples}, guidance {guidance_scale}, {steps} steps"
    print(f"{what}: {fidelity(judge, pictures, scenes)}")
    if sheet:
        save_sheet(pictures, sheet)
    editor = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    editor.set_progress_bar_config(disable=True)
    for strength in STRENGTHS if edits else ():
        seen = edit(editor, judge, edits, strength, guidance_scale, 2 * steps)
        print(f"img2img, n={edits}, strength {strength}: {seen}")


def scenes_of(count: int) -> list[Scene]:
    """Random scenes, classes in balance."""
    draws = (np.random.default_rng([SEED, i]) for i in range(count))
    return [sample_scene(rng, category=CATEGORIES[i % len(CATEGORIES)]) for i, rng in enumerate(draws)]


def prompt_of(scene: Scene, index: int) -> str:
    """A caption of the scene from the grammar that names its location."""
    draws = (caption(scene, np.random.default_rng([SEED, index, attempt])) for attempt in range(1000))
    return next(text for text in draws if any(place in text for place in PLACES[scene.location]))


def text_to_image(
    pipeline: StableDiffusionPipeline, scenes: Sequence[Scene], guidance_scale: float, steps: int
) -> Pictures:
    """uint8 pictures (N, 64, 64, 3), each from its own seed."""
    prompts, pictures = [prompt_of(scene, i) for i, scene in enumerate(scenes)], []
    for start in track(range(0, len(prompts), BATCH_SIZE), "text to image"):
        part = prompts[start : start + BATCH_SIZE]
        draws = [generator_of(SEED, start + i) for i in range(len(part))]
        made = pipeline(
            part, generator=draws, guidance_scale=guidance_scale, num_inference_steps=steps, output_type="np"
        )
        pictures.append(_bytes(made.images))
    return np.concatenate(pictures)


def edit(
    editor: StableDiffusionImg2ImgPipeline,
    judge: Oracle,
    count: int,
    strength: float,
    guidance_scale: float,
    steps: int,
) -> str:
    """Re-render pictures under the prompt of another location; does the class stay, does the location follow?"""
    guides = scenes_of(count)
    places = [[place for place in LOCATIONS if place != guide.location] for guide in guides]
    draws = [np.random.default_rng([SEED, i, 2]) for i in range(count)]
    wanted = [
        sample_scene(rng, category=guide.category, location=others[int(rng.integers(len(others)))])
        for guide, others, rng in zip(guides, places, draws, strict=True)
    ]
    pictures = []
    for start in range(0, count, BATCH_SIZE):
        rows = range(start, min(start + BATCH_SIZE, count))
        made = editor(
            [prompt_of(wanted[i], i) for i in rows],
            image=[render(guides[i]) for i in rows],
            strength=strength,
            generator=[generator_of(SEED, i) for i in rows],
            guidance_scale=guidance_scale,
            num_inference_steps=steps,
            output_type="np",
        )
        pictures.append(_bytes(made.images))
    readings = judge.read(np.concatenate(pictures))
    kept, follows = agreement(readings, wanted, "category"), agreement(readings, wanted, "location")
    stays = agreement(readings, guides, "location")
    return f"class kept {kept:.3f}, location of the prompt {follows:.3f}, of the guide {stays:.3f}"


def reconstruction(pipeline: StableDiffusionPipeline, renders: Pictures) -> float:
    pixels = torch.from_numpy(renders).permute(0, 3, 1, 2).to(pipeline.device)
    return psnr(pipeline.vae, pixels.float() / 127.5 - 1)


def fidelity(judge: Oracle, pictures: Pictures, scenes: Sequence[Scene]) -> str:
    """Share of pictures in which the oracle reads what the scene says."""
    readings = judge.read(pictures)
    shares = {name: agreement(readings, scenes[: len(pictures)], name) for name in ATTRIBUTES}
    return ", ".join(f"{name} {share:.3f}" for name, share in shares.items())


def agreement(readings: dict[str, npt.NDArray[np.int64]], scenes: Sequence[Scene], name: str) -> float:
    """Share of readings of one attribute that are as the scenes have it."""
    words = ATTRIBUTES[name]
    pairs = zip(readings[name], scenes, strict=True)
    return float(np.mean([words[index] == getattr(scene, name) for index, scene in pairs]))


def save_sheet(pictures: Pictures, path: Path, columns: int = 20) -> None:
    """The first pictures, one class a row."""
    sheet = Image.new("RGB", (columns * 66, len(CATEGORIES) * 66), "white")
    for index, picture in enumerate(pictures[: columns * len(CATEGORIES)]):
        column, row = divmod(index, len(CATEGORIES))
        sheet.paste(Image.fromarray(picture), (column * 66, row * 66))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _bytes(images: npt.NDArray[np.float32]) -> Pictures:
    return (images * 255).round().astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
