"""A tiny random Stable Diffusion checkpoint, saved as a folder, with one of two samplers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from methods.generator import Generator
from methods.settings import GeneratorSettings

RESOLUTION = 32
SENTENCE = (
    "a photo of the rendering cropped clean dirty dark my cool close up bright good one rendition nice small weird "
    "large car bird on grass in snow at night"
)
WORDS = SENTENCE.split()
NOISE_SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by sampler: `pndm` predicts the noise, like Stable Diffusion 1.4; `ddim` predicts v, like mini_sd."""
    from diffusers import DDIMScheduler, PNDMScheduler

    schedulers = {
        "pndm": PNDMScheduler(**NOISE_SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False),
        "ddim": DDIMScheduler(
            **NOISE_SCHEDULE, prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False
        ),
    }
    folders = {}
    for name, scheduler in schedulers.items():
        folders[name] = tmp_path_factory.mktemp("checkpoints") / name
        _tiny_pipeline(scheduler).save_pretrained(folders[name])
    return folders


@pytest.fixture(scope="session", params=["pndm", "ddim"])
def checkpoint(request: pytest.FixtureRequest, checkpoints: dict[str, Path]) -> Path:
    return checkpoints[request.param]


@pytest.fixture(scope="session")
def make_generator(checkpoints: dict[str, Path]) -> Callable[..., Generator]:
    """Open a generator on a folder (by default the DDIM one) in float32, not compiled, since that takes a minute."""

    def make(folder: Path | None = None, batch_size: int = 4, resolution: int = RESOLUTION) -> Generator:
        folder = folder or checkpoints["ddim"]
        return Generator(GeneratorSettings(str(folder), resolution, batch_size, "float32", compile="never"))

    return make


@pytest.fixture(scope="session")
def guides() -> dict[int, Image.Image]:
    """Three random pictures, one of them of a size other than the model's."""
    rng = np.random.default_rng(0)
    sizes = {0: (RESOLUTION, RESOLUTION), 1: (48, 24), 2: (RESOLUTION, RESOLUTION)}
    small = {i: Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)) for i in sizes}
    return {i: small[i].resize(size, Image.Resampling.BICUBIC) for i, size in sizes.items()}


def _tiny_pipeline(scheduler: Any) -> Any:
    """Stable Diffusion's classes with random weights from a fixed seed."""
    import torch
    from diffusers import AutoencoderKL, StableDiffusionImg2ImgPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        tokenizer = _tokenizer()
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=tokenizer.model_max_length,
                initializer_factor=3.0, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            )
        )  # fmt: skip
        unet = UNet2DConditionModel(
            sample_size=RESOLUTION // 4, in_channels=4, out_channels=4, block_out_channels=(8, 16),
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), layers_per_block=1,
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=16, attention_head_dim=2,
            norm_num_groups=4,
        )  # fmt: skip
        vae = AutoencoderKL(
            block_out_channels=(8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 3, layers_per_block=1,
            up_block_types=("UpDecoderBlock2D",) * 3, latent_channels=4, norm_num_groups=4, sample_size=RESOLUTION,
        )  # fmt: skip
    return StableDiffusionImg2ImgPipeline(
        vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def _tokenizer() -> Any:
    """A CLIP tokenizer in which each word of `WORDS` is one token and all other words are split into letters."""
    from transformers import CLIPTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        prefixes = ["".join(pieces[: i + 1]) for i in range(len(pieces))]
        merges += [pair for pair in zip(prefixes, pieces[1:], strict=False) if pair not in merges]
        tokens += prefixes
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=16)


@pytest.fixture(scope="session")
def images(guides: dict[int, Image.Image]) -> list[list[Image.Image]]:
    """The images of three classes, for which words are learned."""
    return [[guides[0], guides[1]], [guides[2]], [guides[1]]]
