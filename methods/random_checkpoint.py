"""A checkpoint of Stable Diffusion 1.4's exact architecture with random weights: as fast as the real one, free to make.

python -m methods.random_checkpoint FOLDER           4.3 GB
python -m methods.random_checkpoint FOLDER --tiny    the same classes at small widths, for a CPU
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datasets.errors import UserError
from datasets.home import path_of
from datasets.scripts import run_script
from datasets.whole_file import whole_folder

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
VOCABULARY_SIZE = 49_408
CONTEXT_LENGTH = 77


@dataclass(frozen=True)
class Architecture:
    """The sizes of the parts; everything else is as in Stable Diffusion 1.

    unet, vae: channels of each level; each level of `vae` after the first halves the side of the latents.
    text: width of the text encoder, which has `text_layers` layers of `text_heads` heads.
    """

    unet: tuple[int, ...] = (320, 640, 1280, 1280)
    vae: tuple[int, ...] = (128, 256, 512, 512)
    norm_groups: int = 32
    unet_heads: int = 8
    text: int = 768
    text_layers: int = 12
    text_heads: int = 12
    resolution: int = 512


STABLE_DIFFUSION = Architecture()
TINY = Architecture(
    unet=(8, 8, 16, 16), vae=(8, 8, 8, 8), norm_groups=4, unet_heads=2, text=16, text_layers=2, text_heads=2,
    resolution=64,
)  # fmt: skip


def main(
    folder: Annotated[Path, typer.Argument(help="New or empty folder to write; then pass it as generator.checkpoint.")],
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Tiny networks (few channels and layers), of the same classes.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
) -> None:
    """Write a Stable Diffusion 1.4 checkpoint with random weights, to measure speed with."""
    write_random_checkpoint(folder, TINY if tiny else STABLE_DIFFUSION, seed)
    typer.echo(f"wrote random weights to {folder}; to measure speed with them: --set generator.checkpoint={folder}")


def write_random_checkpoint(folder: Path, architecture: Architecture = STABLE_DIFFUSION, seed: int = 0) -> None:
    """Write a checkpoint in diffusers' layout, with float32 weights from diffusers' initial distribution.

    Raises:
        UserError: the folder is not empty, or cannot be written; nothing is left behind.
    """
    import torch
    from safetensors import SafetensorError

    folder = path_of(str(folder)).absolute()
    _refuse_taken(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = _pipeline(architecture)
    try:
        with whole_folder(folder) as unfinished:
            pipeline.save_pretrained(unfinished, safe_serialization=True)
    except (OSError, SafetensorError) as error:  # a full disk raises the latter while weights are written
        raise UserError(f"cannot write the checkpoint {folder}: {getattr(error, 'strerror', None) or error}") from error


def build_unet(architecture: Architecture) -> Any:
    """The UNet. In diffusers' class, `attention_head_dim` is the number of heads."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=architecture.resolution // 2 ** (len(architecture.vae) - 1),
        block_out_channels=architecture.unet,
        cross_attention_dim=architecture.text,
        attention_head_dim=architecture.unet_heads,
        norm_num_groups=architecture.norm_groups,
    )


def build_vae(architecture: Architecture) -> Any:
    """The codec from pixels to 4 channels of latents and back."""
    from diffusers import AutoencoderKL

    levels = len(architecture.vae)
    return AutoencoderKL(
        block_out_channels=architecture.vae,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=2,
        latent_channels=4,
        norm_num_groups=architecture.norm_groups,
        sample_size=architecture.resolution,
        scaling_factor=0.18215,
    )


def build_text_encoder(architecture: Architecture) -> Any:
    """CLIP's text encoder, for the tokens of `build_tokenizer`."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=VOCABULARY_SIZE,
            hidden_size=architecture.text,
            intermediate_size=4 * architecture.text,
            num_hidden_layers=architecture.text_layers,
            num_attention_heads=architecture.text_heads,
            max_position_embeddings=CONTEXT_LENGTH,
            projection_dim=architecture.text,
            bos_token_id=VOCABULARY_SIZE - 2,
            eos_token_id=VOCABULARY_SIZE - 1,
            pad_token_id=VOCABULARY_SIZE - 1,
        )
    )


def build_tokenizer() -> CLIPTokenizer:
    """A byte-pair encoding of CLIP's size that merges pairs of letters, so that prompts fit into its 77 tokens.

    Its tokens are all bytes, all bytes at the end of a word, the pairs of letters, and fillers that no text produces.
    """
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    alphabet, letters = sorted(ByteLevel.alphabet()), string.ascii_lowercase
    merges = list(product(letters, (*letters, *(f"{letter}</w>" for letter in letters))))
    tokens = [*alphabet, *(f"{byte}</w>" for byte in alphabet), *(left + right for left, right in merges)]
    tokens += [f"<|filler{number}|>" for number in range(VOCABULARY_SIZE - 2 - len(tokens))]
    vocabulary = {token: index for index, token in enumerate([*tokens, START, END])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT_LENGTH)


def _pipeline(architecture: Architecture) -> Any:
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    scheduler = PNDMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        skip_prk_steps=True,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    return StableDiffusionPipeline(
        vae=build_vae(architecture),
        text_encoder=build_text_encoder(architecture),
        tokenizer=build_tokenizer(),
        unet=build_unet(architecture),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _refuse_taken(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise UserError(f"{folder} already exists: name a new folder for the random checkpoint, or remove it")


if __name__ == "__main__":
    run_script(main)
