"""Opens a checkpoint folder with diffusers and transformers, and refuses one that lacks weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from datasets.errors import UserError, reason_of
from methods.checkpoint_layout import MODELS, weight_variant


def open_pipeline(folder: Path, dtype: torch.dtype) -> Any:
    """Open diffusers' own pipeline, whose constructor also corrects outdated scheduler configurations.

    Args:
        folder: checkpoint in diffusers' layout, with safetensors.
        dtype: precision of UNet and codec; the text encoder is opened in float32.

    Raises:
        UserError: a file cannot be read, weights are missing from their file, or the sampler has no noise schedule.
    """
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    classes = (diffusers.UNet2DConditionModel, diffusers.AutoencoderKL, transformers.CLIPTextModel)
    dtypes = (dtype, dtype, torch.float32)
    try:
        opened = {part: _open_model(folder, part, *how) for part, *how in zip(MODELS, classes, dtypes, strict=True)}
        pipeline = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(
            folder,
            **{part: model for part, (model, _) in opened.items()},
            local_files_only=True,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    except Exception as error:  # a broken file raises whatever its reader raises
        raise UserError(
            f"checkpoint folder {folder} cannot be opened: {reason_of(error)}; copy the checkpoint again"
        ) from error
    for part, (_, missing) in opened.items():
        _check_that_none_is_missing(folder, part, missing)
    if not hasattr(pipeline.scheduler, "alphas_cumprod"):
        sampler = type(pipeline.scheduler).__name__
        raise UserError(f"checkpoint folder {folder} has a sampler without a noise schedule of variances, {sampler}")
    return pipeline


def _open_model(folder: Path, part: str, model: Any, dtype: torch.dtype) -> tuple[Any, list[str]]:
    """Open a part; returns it and the names of its weights that are missing from its files."""
    opened, found = model.from_pretrained(
        folder / part,
        dtype=dtype,
        variant=weight_variant(folder, part),
        use_safetensors=True,
        low_cpu_mem_usage=False,
        local_files_only=True,
        output_loading_info=True,
    )
    return opened, sorted(found["missing_keys"])


def _check_that_none_is_missing(folder: Path, part: str, missing: Sequence[str]) -> None:
    """Refuse missing weights, which the libraries replace by random numbers."""
    if missing:
        others = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise UserError(
            f"checkpoint folder {folder}: the weights of {part} lack {missing[0]}{others}: copy the checkpoint again"
        )
