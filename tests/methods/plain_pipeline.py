"""What diffusers' own pipeline generates for a plan row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from evaluation.device import default_device
from methods.plan import PlanRow


def pipeline_image(
    folder: Path,
    row: PlanRow,
    word: np.ndarray,
    guide: Image.Image,
    scheduler: Any = None,
    eta: float = 0.0,
    **scheduler_settings: Any,
) -> Image.Image:
    """Generate a row with diffusers, with the word as an added token; `scheduler` is a class that replaces its own."""
    from diffusers import StableDiffusionImg2ImgPipeline

    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None, low_cpu_mem_usage=False)
    pipeline = pipeline.to(default_device())
    if scheduler is not None:
        pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config, **scheduler_settings)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.tokenizer.add_tokens(["<word>"])
    pipeline.text_encoder.resize_token_embeddings(len(pipeline.tokenizer))
    with torch.no_grad():
        pipeline.text_encoder.get_input_embeddings().weight[-1] = torch.from_numpy(word)
    image = pipeline(
        prompt=row.prompt,
        image=guide.resize((32, 32), Image.Resampling.BILINEAR),
        strength=row.strength,
        guidance_scale=row.guidance_scale,
        num_inference_steps=row.steps,
        eta=eta,
        generator=[torch.Generator().manual_seed(row.seed)],
    ).images[0]
    return image.resize(guide.size, Image.Resampling.BILINEAR)


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest difference between the grey levels of two images."""
    return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())
