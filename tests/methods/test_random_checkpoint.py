"""Our code and diffusers accept a random checkpoint like a real one, and it has Stable Diffusion 1.4's size."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.settings import resolve_settings
from datasets.errors import UserError
from methods.generator import Generator
from methods.plan import PlanRow
from methods.random_checkpoint import (
    STABLE_DIFFUSION,
    TINY,
    VOCABULARY_SIZE,
    build_text_encoder,
    build_tokenizer,
    build_unet,
    build_vae,
    write_random_checkpoint,
)
from methods.settings import GeneratorSettings

ROOT = Path(__file__).parents[2]
LONG_PROMPT = "A vibrant close-up photograph of a <word> resting on a sunlit windowsill at dawn, with snow outside"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random") / "tiny"
    write_random_checkpoint(folder, TINY)
    return folder


@pytest.fixture(scope="module")
def guide() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("build", "parameters"),
    [(build_unet, 859_520_964), (build_vae, 83_653_863), (build_text_encoder, 123_060_480)],
)
def test_the_parts_have_the_parameters_of_stable_diffusion_1_4(build: Callable[..., Any], parameters: int) -> None:
    with torch.device("meta"):  # allocates no memory
        model = build(STABLE_DIFFUSION)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_the_generator_makes_an_image(folder: Path, guide: Image.Image) -> None:
    settings = resolve_settings(method="diagen", overrides=(f"generator.checkpoint={folder}",))
    generator = Generator(GeneratorSettings(settings.generator.checkpoint, 64, 1, "float32", compile="never"))
    word = np.zeros(generator.word_dimension, np.float32)
    row = PlanRow(0, 0, LONG_PROMPT, "a", 0.7, 7.5, 10, seed=1)
    ((_, image),) = generator.generate([row], {"a": word}, {0: guide})
    assert image.size == guide.size
    assert len(np.unique(np.asarray(image))) > 10  # neither black nor white, as images with non-finite values would be


def test_diffusers_own_pipeline_takes_it(folder: Path, guide: Image.Image) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None, low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    pixels = pipeline("a photo", image=guide, strength=0.5, num_inference_steps=4, output_type="np").images
    assert pixels.shape == (1, 64, 64, 3)
    assert np.isfinite(pixels).all()


@pytest.mark.parametrize("text", [LONG_PROMPT, "Ein Bär, 42 % größer!", "日本の猫", ""])
def test_every_prompt_has_token_ids_of_the_text_encoder(text: str) -> None:
    tokenizer = build_tokenizer()
    assert len(tokenizer) == VOCABULARY_SIZE
    start, *ids, end = tokenizer(text).input_ids
    assert (start, end) == (VOCABULARY_SIZE - 2, VOCABULARY_SIZE - 1)
    assert len(ids) <= 75
    assert all(token < VOCABULARY_SIZE - 2 for token in ids)


def test_one_seed_gives_one_checkpoint(folder: Path, tmp_path: Path) -> None:
    def weights(name: Path) -> bytes:
        return (name / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()

    for seed in (0, 1):
        write_random_checkpoint(tmp_path / str(seed), TINY, seed)
    assert weights(tmp_path / "0") == weights(folder) != weights(tmp_path / "1")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        write_random_checkpoint(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import StableDiffusionPipeline

    def full_disk(self: Any, folder: Path, **options: Any) -> None:
        (folder / "part").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StableDiffusionPipeline, "save_pretrained", full_disk)
    with pytest.raises(UserError, match="No space left on device"):
        write_random_checkpoint(tmp_path / "new", TINY)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "methods.random_checkpoint", str(tmp_path), "--tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "already exists" in done.stderr
