"""The shipped model: a Stable Diffusion folder of the stated size that plain diffusers pipelines can open."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datasets.mini_focus import render
from evaluation.device import torch_threads
from methods.generator import Generator
from methods.mini_sd import WEIGHTS
from methods.mini_sd.evaluate import reconstruction
from methods.mini_sd.sampling import scenes_of
from methods.settings import GeneratorSettings


def test_is_small_and_half_precision() -> None:
    from safetensors import safe_open

    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 40e6
    tensors = [path for path in files if path.suffix == ".safetensors"]
    assert {path.parent.name for path in tensors} == {"unet", "vae", "text_encoder"}
    for path in tensors:
        with safe_open(path, "pt") as content:
            assert {content.get_slice(key).get_dtype() for key in content.keys()} <= {"F16", "I64"}  # noqa: SIM118


@pytest.mark.parametrize("given", ["default", "float32"])
def test_image_to_image_pipeline_opens_it(given: str) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    options = {} if given == "default" else {"torch_dtype": torch.float32}
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(WEIGHTS, **options)
    pipeline.set_progress_bar_config(disable=True)
    scene = scenes_of(1)[0]
    prompt = f"a photo of a {scene.category} at night"
    made = pipeline(prompt, image=render(scene), strength=0.5, num_inference_steps=4, guidance_scale=3.0).images[0]
    assert made.size == (64, 64)
    assert np.asarray(made).std() > 5


def test_codec_reconstructs_fresh_renders() -> None:
    """At least 30 dB on pictures that were not in the training data."""
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(WEIGHTS, torch_dtype=torch.float32)
    renders = np.stack([np.asarray(render(scene)) for scene in scenes_of(32)])
    assert reconstruction(pipeline, renders) > 30


def test_what_words_and_images_start_from_does_not_depend_on_the_number_of_cores() -> None:
    """Textual inversion would amplify a rounding difference in a posterior, step by step, into another word."""
    model, image = Generator(GeneratorSettings(checkpoint="mini_sd", resolution=64)).model, render(scenes_of(1)[0])
    found = []
    for cores in (1, 2, 3):
        with torch_threads(cores):
            found.append(model.posterior(image))
    assert all(torch.equal(found[0].mean, each.mean) and torch.equal(found[0].std, each.std) for each in found)
