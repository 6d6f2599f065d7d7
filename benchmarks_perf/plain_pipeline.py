"""diffusers' own pipeline, opened as in the published code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from evaluation.device import default_device
from methods.checkpoint_layout import weight_variant


def plain_dtype() -> torch.dtype:
    """The dtype in which the published code computes."""
    return torch.float16 if default_device().type == "cuda" else torch.float32


def open_plain_pipeline(folder: Path, dtype: torch.dtype, text_dtype: torch.dtype) -> Any:
    """An image-to-image pipeline on the default device; the text encoder is in `text_dtype`, all else in `dtype`."""
    from diffusers import StableDiffusionImg2ImgPipeline

    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(
        folder,
        dtype={"text_encoder": text_dtype, "default": dtype},
        variant=weight_variant(folder, "unet"),
        use_safetensors=True,
        low_cpu_mem_usage=False,
        local_files_only=True,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(default_device())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
