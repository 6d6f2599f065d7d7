"""How well textual inversion teaches mini_sd a class that it has never seen, beside the classes that it knows.

python -m methods.mini_sd.held_out methods/mini_sd/weights training/oracle --sheet reports/held_out.png
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from diffusers import StableDiffusionPipeline
from PIL import Image

from datasets.mini_focus import CATEGORIES, HELD_OUT, LOCATIONS, render, sample_common
from datasets.mini_focus.caption import PLACES
from datasets.seeding import seed_from
from methods.generator import Generator
from methods.mini_sd.oracle import load_oracle
from methods.mini_sd.sampling import (
    GUIDANCE_SCALE,
    SEED,
    Pictures,
    edit,
    image_to_image,
    open_pipeline,
    renders_of,
    text_to_image,
)
from methods.settings import GeneratorSettings, TextualInversionSettings
from methods.textual_inversion import learn_words

CLASSES = (*CATEGORIES, *HELD_OUT)


def main(
    weights: Path,
    oracle: Path,
    shots: Annotated[int, typer.Option(help="pictures in common settings that a word is learned from")] = 8,
    steps: Annotated[int, typer.Option(help="steps of textual inversion")] = 150,
    tries: Annotated[int, typer.Option(help="words learned for each class, of which the best is kept")] = 2,
    learning_rate: Annotated[float, typer.Option(help="of textual inversion")] = 1e-2,
    samples: Annotated[int, typer.Option(help="pictures per class")] = 100,
    strength: float = 0.7,
    guidance_scale: float = GUIDANCE_SCALE,
    dtype: Annotated[str, typer.Option(help="of the denoiser while words are learned")] = "auto",
    seed: Annotated[int, typer.Option(help="of the pictures to learn from, and of the learning")] = SEED,
    sheet: Annotated[Path | None, typer.Option(help="where to save a contact sheet")] = None,
) -> None:
    """Learn a word for each class; print in what share of pictures the oracle reads the class, and the location."""
    judge, pipeline = load_oracle(oracle), open_pipeline(weights)
    generator = Generator(GeneratorSettings(str(weights), resolution=64, dtype=dtype))
    settings = TextualInversionSettings(steps=steps, batch_size=4, learning_rate=learning_rate, tries=tries)
    guides = [[sample_common(np.random.default_rng([seed, c, i]), name) for i in range(shots)]
              for c, name in enumerate(CLASSES)]  # fmt: skip
    began = time.perf_counter()
    seeds = [seed_from("held out", seed, name) for name in CLASSES]
    words = learn_words(generator, [[render(s) for s in own] for own in guides], settings, seeds)
    seconds = time.perf_counter() - began
    how = f"{shots} pictures each, the best of {tries} from {steps} steps at {learning_rate:g}, {generator.dtype}"
    print(f"{len(CLASSES)} words from {how}: {seconds:.0f} s", flush=True)
    add_words(pipeline, words)
    places = [LOCATIONS[i % len(LOCATIONS)] for i in range(samples)]
    phrases = [PLACES[place][i % len(PLACES[place])] for i, place in enumerate(places)]
    rows, known = [], []
    for index, name in enumerate(CLASSES):
        prompts = [f"a photo of a {_token(index)} {phrase}" for phrase in phrases]
        made = text_to_image(pipeline, prompts, guidance_scale, steps=25)
        scenes = [guides[index][i % shots] for i in range(samples)]
        edited = edit(image_to_image(pipeline), renders_of(scenes), prompts, strength, guidance_scale, steps=50)
        rows.append(np.concatenate([renders_of(guides[index]), made[:7], edited[:7]]))
        shares = np.array([_shares(judge.read(pictures), index, places) for pictures in (made, edited)])
        if name in HELD_OUT:
            name += " (never seen in training)"
        else:
            known.append(shares)
        _print_shares(name, strength, shares)
    _print_shares(f"mean of the {len(known)} classes of its training", strength, np.mean(known, axis=0))
    if sheet:
        save_rows(rows, sheet)


def add_words(pipeline: StableDiffusionPipeline, words: np.ndarray) -> None:
    """Give the pipeline's own tokenizer and text encoder the learned words, as a user of diffusers would."""
    pipeline.tokenizer.add_tokens([_token(index) for index in range(len(words))])
    pipeline.text_encoder.resize_token_embeddings(len(pipeline.tokenizer))
    table = pipeline.text_encoder.get_input_embeddings().weight
    with torch.no_grad():
        table[-len(words) :] = torch.from_numpy(words).to(table)


def save_rows(rows: Sequence[Pictures], path: Path) -> None:
    """A class a line: what its word was learned from, pictures from text, edited pictures."""
    sheet = Image.new("RGB", (max(map(len, rows)) * 66, len(rows) * 66), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (x * 66, y * 66))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _token(index: int) -> str:
    return f"<learned{index}>"


def _shares(readings: dict[str, np.ndarray], category: int, places: Sequence[str]) -> tuple[float, float]:
    """In what share of the pictures the oracle reads the class, and the location."""
    located = [LOCATIONS[read] == place for read, place in zip(readings["location"], places, strict=True)]
    return float(np.mean(readings["category"] == category)), float(np.mean(located))


def _print_shares(name: str, strength: float, shares: np.ndarray) -> None:
    """Shares (2, 2): of pictures from text and from images, the class and the location."""
    from_text, from_image = (f"class {row[0]:.3f}, location {row[1]:.3f}" for row in shares)
    print(f"{name}: text-to-image {from_text}; image-to-image at {strength} {from_image}", flush=True)


if __name__ == "__main__":
    typer.run(main)
