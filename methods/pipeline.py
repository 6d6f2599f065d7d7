"""Opens a checkpoint folder by diffusers and transformers, and refuses one that lacks weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from datasets.errors import UserError
from methods.checkpoint_layout import MODELS, weight_variant


def open_pipeline(folder: Path, dtype: torch.dtype) -> Any:
    """diffusers' own pipeline, whose constructor also mends old scheduler configurations.

    Args:
        folder: in diffusers' layout, with safetensors.
        dtype: of UNet and codec; the text encoder is opened in float32.

    Raises:
        UserError: a file that cannot be read, or weights that are not in theirs.
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
        models = {part: _open_model(folder, part, *how) for part, *how in zip(MODELS, classes, dtypes, strict=True)}
        pipeline = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(
            folder,
            **models,
            local_files_only=True,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    except UserError:
        raise
    except Exception as error:  # a broken file raises whatever its reader raises
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"checkpoint folder {folder} cannot be opened: {reason}; copy the checkpoint again") from error
    if not hasattr(pipeline.scheduler, "alphas_cumprod"):
        sampler = type(pipeline.scheduler).__name__
        raise UserError(f"checkpoint folder {folder} has a sampler without a noise schedule of variances, {sampler}")
    return pipeline


def _open_model(folder: Path, part: str, model: Any, dtype: torch.dtype) -> Any:
    opened, found = model.from_pretrained(
        folder / part,
        dtype=dtype,
        variant=weight_variant(folder, part),
        use_safetensors=True,
        low_cpu_mem_usage=False,
        local_files_only=True,
        output_loading_info=True,
    )
    # The libraries would go on with random numbers in their place.
    missing = sorted(found["missing_keys"])
    if missing:
        others = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise UserError(
            f"checkpoint folder {folder}: the weights of {part} lack {missing[0]}{others}: copy the checkpoint again"
        )
    return opened
