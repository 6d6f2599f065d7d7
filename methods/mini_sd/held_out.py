"""How well textual inversion teaches mini_sd classes that it has never seen, compared with those that it knows.

python -m methods.mini_sd.held_out methods/mini_sd/weights training/oracle --sheet reports/held_out.png
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from diffusers import StableDiffusionPipeline

from datasets.mini_focus import CATEGORIES, HELD_OUT, LOCATIONS, Scene, render, sample_common
from datasets.mini_focus.caption import PLACES
from datasets.scripts import run_script
from datasets.seeding import seed_from
from evaluation.arrays import Pixels
from methods.generator import Generator
from methods.mini_sd.oracle import Oracle, load_oracle
from methods.mini_sd.sampling import (
    GUIDANCE_SCALE,
    SEED,
    edit,
    image_to_image,
    open_pipeline,
    renders_of,
    save_sheet,
    text_to_image,
)
from methods.settings import GeneratorSettings, TextualInversionSettings
from methods.textual_inversion import learn_words

CLASSES = (*CATEGORIES, *HELD_OUT)


def main(
    weights: Path,
    oracle: Path,
    shots: Annotated[int, typer.Option(help="pictures, in common settings, that each word is learned from")] = 8,
    steps: Annotated[int, typer.Option(help="steps of textual inversion")] = 150,
    tries: Annotated[int, typer.Option(help="words learned for each class; the best is kept")] = 2,
    learning_rate: Annotated[float, typer.Option(help="learning rate of textual inversion")] = 1e-2,
    samples: Annotated[int, typer.Option(help="pictures per class")] = 100,
    strength: float = 0.7,
    guidance_scale: float = GUIDANCE_SCALE,
    dtype: Annotated[str, typer.Option(help="precision of the denoiser while words are learned")] = "auto",
    seed: Annotated[int, typer.Option(help="seed of the pictures to learn from and of the learning")] = SEED,
    sheet: Annotated[Path | None, typer.Option(help="file to save a contact sheet of pictures to")] = None,
) -> None:
    """Learn a word for each class; print in what share of its pictures the oracle reads class and location right."""
    pipeline = open_pipeline(weights)
    generator = Generator(GeneratorSettings(str(weights), resolution=64, dtype=dtype))
    settings = TextualInversionSettings(steps=steps, batch_size=4, learning_rate=learning_rate, tries=tries)
    guides = lessons(shots, seed)
    began = time.perf_counter()
    words = learn_words(generator, [[render(s) for s in own] for own in guides], settings, seeds_of_words(seed))
    seconds = time.perf_counter() - began
    how = f"{shots} pictures each, the best of {tries} from {steps} steps at {learning_rate:g}, {generator.dtype}"
    print(f"{len(CLASSES)} words from {how}: {seconds:.0f} s", flush=True)
    rows, known = [], []  # a row: pictures that its word was learned from, text-to-image, image-to-image
    drawn = pictures_of_words(pipeline, words, guides, samples, strength, guidance_scale)
    judge = load_oracle(oracle)
    for index, (name, (made, edited)) in enumerate(zip(CLASSES, drawn, strict=True)):
        rows.append(np.concatenate([renders_of(guides[index]), made[:7], edited[:7]]))
        shares = np.array([shares_read(judge, pictures, index) for pictures in (made, edited)])
        if name in HELD_OUT:
            name += " (never seen in training)"
        else:
            known.append(shares)
        print_shares(name, strength, shares)
    print_shares(f"mean of the {len(known)} classes that were in its training data", strength, np.mean(known, axis=0))
    if sheet:
        save_sheet(rows, sheet)


def lessons(shots: int, seed: int) -> list[list[Scene]]:
    """For each class, the scenes in common settings from which its word is learned."""
    return [
        [sample_common(np.random.default_rng([seed, label, shot]), name) for shot in range(shots)]
        for label, name in enumerate(CLASSES)
    ]


def seeds_of_words(seed: int) -> list[int]:
    """For each class, the seed with which its word is learned."""
    return [seed_from("held out", seed, name) for name in CLASSES]


def pictures_of_words(
    pipeline: StableDiffusionPipeline,
    words: np.ndarray,
    guides: Sequence[Sequence[Scene]],
    samples: int,
    strength: float,
    guidance_scale: float,
) -> Iterator[tuple[Pixels, Pixels]]:
    """For each class, `samples` text-to-image pictures and as many edited guides, cycling through all locations."""
    add_words(pipeline, words)
    places = _places(samples)
    phrases = [PLACES[place][i % len(PLACES[place])] for i, place in enumerate(places)]
    for index, own in enumerate(guides):
        prompts = [f"a photo of a {_token(index)} {phrase}" for phrase in phrases]
        made = text_to_image(pipeline, prompts, guidance_scale, steps=25)
        scenes = [own[i % len(own)] for i in range(samples)]
        edited = edit(image_to_image(pipeline), renders_of(scenes), prompts, strength, guidance_scale, steps=50)
        yield made, edited


def add_words(pipeline: StableDiffusionPipeline, words: np.ndarray) -> None:
    """Give the pipeline's own tokenizer and text encoder the learned words, as a user of diffusers would."""
    pipeline.tokenizer.add_tokens([_token(index) for index in range(len(words))])
    pipeline.text_encoder.resize_token_embeddings(len(pipeline.tokenizer))
    table = pipeline.text_encoder.get_input_embeddings().weight
    with torch.no_grad():
        table[-len(words) :] = torch.from_numpy(words).to(table)


def _token(index: int) -> str:
    return f"<learned{index}>"


def _places(samples: int) -> list[str]:
    return [LOCATIONS[i % len(LOCATIONS)] for i in range(samples)]


def shares_read(judge: Oracle, pictures: Pixels, category: int) -> tuple[float, float]:
    """Shares of a word's pictures in which the oracle reads the class, and the location in the prompt."""
    readings, places = judge.read(pictures), _places(len(pictures))
    located = [LOCATIONS[read] == place for read, place in zip(readings["location"], places, strict=True)]
    return float(np.mean(readings["category"] == category)), float(np.mean(located))


def print_shares(name: str, strength: float, shares: np.ndarray) -> None:
    """Print shares (2, 2): rows are text-to-image and image-to-image, columns are class and location."""
    from_text, from_image = (f"class {row[0]:.3f}, location {row[1]:.3f}" for row in shares)
    print(f"{name}: text-to-image {from_text}; image-to-image at {strength} {from_image}", flush=True)


if __name__ == "__main__":
    run_script(main)
