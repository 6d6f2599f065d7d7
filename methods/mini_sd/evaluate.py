"""Evaluate mini_sd: reconstruction, the oracle's readings of its pictures, precision, recall and effect of strength.

python -m methods.mini_sd.evaluate methods/mini_sd/weights training/oracle --sheet reports/mini_sd.png
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from diffusers import StableDiffusionPipeline

from datasets.mini_focus import CATEGORIES
from datasets.scripts import run_script
from evaluation.arrays import Pixels
from evaluation.backbones import load_backbone
from evaluation.precision_recall import precision_recall
from methods.mini_sd import architecture, usefulness
from methods.mini_sd.oracle import Oracle, load_oracle
from methods.mini_sd.sampling import (
    GUIDANCE_SCALE,
    agreement,
    edit,
    fidelity,
    image_to_image,
    moved_elsewhere,
    open_pipeline,
    prompts_of,
    renders_of,
    save_sheet,
    scenes_of,
    text_to_image,
)
from methods.mini_sd.train_autoencoder import psnr
from methods.mini_sd.training import pixels_of

STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
OTHER_SEED = 1_000_033
SHEET_COLUMNS = 20
JUDGED_AT = (architecture.IMAGE_SIZE, usefulness.IMAGE_SIZE)
"""Image sizes for the network behind precision and recall: the pictures' own, and that of the preset `mini`."""


def main(
    weights: Path,
    oracle: Path,
    samples: Annotated[int, typer.Option(help="number of text-to-image samples")] = 1000,
    edits: Annotated[int, typer.Option(help="number of image-to-image samples per strength")] = 200,
    guidance_scale: float = GUIDANCE_SCALE,
    steps: Annotated[int, typer.Option(help="denoising steps of a text-to-image sample")] = 25,
    sheet: Annotated[Path | None, typer.Option(help="file to save a contact sheet of pictures to")] = None,
) -> None:
    """Print PSNR, text-to-image fidelity, precision and recall, and the effect of image-to-image strength."""
    judge, pipeline = load_oracle(oracle), open_pipeline(weights)
    scenes = scenes_of(samples)
    renders = renders_of(scenes)
    print(f"reconstruction {reconstruction(pipeline, renders[:256]):.2f} dB on {len(renders[:256])} fresh renders")
    print(f"oracle on {samples} fresh renders: {fidelity(judge, renders, scenes)}")
    pictures = text_to_image(pipeline, prompts_of(scenes), guidance_scale, steps)
    print(f"text-to-image, n={samples}, guidance {guidance_scale}, {steps} steps: {fidelity(judge, pictures, scenes)}")
    print_precision_recall(renders, pictures, renders_of(scenes_of(samples, OTHER_SEED)))
    if sheet:
        classes = len(CATEGORIES)
        save_sheet([pictures[label::classes][:SHEET_COLUMNS] for label in range(classes)], sheet)
    for strength in STRENGTHS if edits else ():
        print(f"image-to-image, n={edits}, strength {strength}: ", end="")
        print(effect_of_strength(pipeline, judge, edits, strength, guidance_scale, 2 * steps), flush=True)


def print_precision_recall(renders: Pixels, pictures: Pixels, other_renders: Pixels) -> None:
    """Print them for generated pictures and, as the best attainable, for other renders, each against `renders`."""
    for size in JUDGED_AT:
        backbone = load_backbone("efficientnet_lite0", size)
        real = usefulness.features(backbone, renders)
        for name, candidates in (("generated", pictures), ("other renders", other_renders)):
            found = precision_recall(real, usefulness.features(backbone, candidates), neighbours=3)
            shares = f"precision {found.precision:.3f}, recall {found.recall:.3f}"
            print(f"{name} against {len(real)} renders, k=3, {size} px: {shares}", flush=True)


def effect_of_strength(
    pipeline: StableDiffusionPipeline, judge: Oracle, count: int, strength: float, guidance_scale: float, steps: int
) -> str:
    """Edit renders with prompts for another location; report how often the class stays and the location follows."""
    guides = scenes_of(count)
    wanted = moved_elsewhere(guides)
    editor = image_to_image(pipeline)
    readings = judge.read(edit(editor, renders_of(guides), prompts_of(wanted), strength, guidance_scale, steps))
    kept, follows = agreement(readings, wanted, "category"), agreement(readings, wanted, "location")
    stays = agreement(readings, guides, "location")
    return f"class kept {kept:.3f}, location of the prompt {follows:.3f}, of the guide {stays:.3f}"


def reconstruction(pipeline: StableDiffusionPipeline, renders: Pixels) -> float:
    """The codec's mean peak signal-to-noise ratio in dB on uint8 pictures (N, 64, 64, 3)."""
    return psnr(pipeline.vae, pixels_of(renders).to(pipeline.device))


if __name__ == "__main__":
    run_script(main)
