"""Finds a Stable Diffusion checkpoint, checks that it is whole, and names it by its content. Loads no model."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from datasets.errors import UserError
from datasets.seeding import fingerprint
from evaluation.device import DTYPES
from methods.compiled import COMPILE
from methods.schedulers import SCHEDULERS, WITH_ETA
from methods.settings import GeneratorSettings

EMBEDDED = {"mini_sd": Path(__file__).parent / "mini_sd" / "weights"}
"""Checkpoints that ship with the project, by name."""

MODELS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
"""The parts with weights, and what their weight files are called."""
FP16 = "fp16"
"""What the names of weights in half precision carry."""
SCHEDULER = "scheduler/scheduler_config.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_generator_settings(settings: GeneratorSettings) -> None:
    """Refuse, without loading anything or using the network, settings that cannot work.

    Raises:
        UserError: an unknown dtype, a resolution or batch size that cannot be, a folder that is missing or not whole.
    """
    if settings.dtype not in DTYPES:
        raise UserError(f"generator.dtype '{settings.dtype}' is unknown; known: {', '.join(DTYPES)}")
    if settings.resolution <= 0 or settings.resolution % 8:
        raise UserError(f"generator.resolution must be a positive multiple of 8, got {settings.resolution}")
    if settings.batch_size < 0:
        raise UserError(f"generator.batch_size must be 0 (32 on a GPU, 16 on a CPU) or more, got {settings.batch_size}")
    if settings.scheduler not in SCHEDULERS:
        raise UserError(f"generator.scheduler '{settings.scheduler}' is unknown; known: {', '.join(SCHEDULERS)}")
    if settings.compile not in COMPILE:
        raise UserError(f"generator.compile '{settings.compile}' is unknown; known: {', '.join(COMPILE)}")
    if not 0 <= settings.eta <= 1:
        raise UserError(f"generator.eta must be between 0 and 1, got {settings.eta:g}")
    folder = _local_folder(settings.checkpoint)
    if folder is not None:
        checkpoint_files(folder)
        check_architecture(folder)
        check_eta(settings, folder)
    elif not _HUB_NAME.fullmatch(settings.checkpoint):
        raise _unknown(settings.checkpoint)


def checkpoint_folder(checkpoint: str) -> Path:
    """The local folder of a checkpoint, whole; one on the hub is downloaded (or found in the hub's cache).

    Raises:
        UserError: it is not there, cannot be had, or a part is missing.
    """
    folder = _local_folder(checkpoint)
    if folder is None:
        folder = _download(checkpoint)
    checkpoint_files(folder)
    check_architecture(folder)
    return folder


def check_architecture(folder: Path) -> None:
    """Refuse models of another family than Stable Diffusion 1 and 2; raises `UserError` that says what this one is."""
    unet, vae, text = (read_config(folder, f"{part}/config.json") for part in MODELS)
    width, expected = text.get("hidden_size"), unet.get("cross_attention_dim")
    wrong = ""
    if unet.get("addition_embed_type") or (folder / "text_encoder_2").is_dir():
        wrong = "has a second text encoder or pooled conditions, as Stable Diffusion XL"
    elif unet.get("in_channels") != vae.get("latent_channels"):
        wrong = f"has a UNet of {unet.get('in_channels')} input channels (for inpainting or depth?)"
    elif width != expected:
        wrong = f"joins a text encoder of width {width} to a UNet that reads {expected}"
    if wrong:
        raise UserError(f"checkpoint folder {folder} {wrong}: Stable Diffusion 1.x or 2.x is needed")


def check_eta(settings: GeneratorSettings, folder: Path) -> None:
    """Refuse η for a sampler that has none; raises `UserError` that says which has."""
    sampler = SCHEDULERS[settings.scheduler] or read_config(folder, SCHEDULER).get("_class_name")
    if settings.eta and sampler not in WITH_ETA:
        raise UserError(
            f"generator.eta is {settings.eta:g}, but {sampler} has no η: "
            "set generator.scheduler=ddim or generator.eta=0"
        )


def checkpoint_fingerprint(folder: Path) -> str:
    """The address of what the checkpoint holds: the same wherever the folder lies."""
    return fingerprint({path.relative_to(folder).as_posix(): _digest(path) for path in checkpoint_files(folder)})


def checkpoint_files(folder: Path) -> list[Path]:
    """Every file that the generator reads, sorted; raises `UserError` naming the first part that is missing."""
    files = [_required(folder, SCHEDULER)]
    for part in MODELS:
        files += [_required(folder, f"{part}/config.json"), *_weight_files(folder, part)]
    if not any((folder / "tokenizer" / name).is_file() for name in TOKENIZER_FILES):
        raise _incomplete(folder, f"tokenizer/{TOKENIZER_FILES[0]}")
    files += [path for path in (folder / "tokenizer").iterdir() if path.suffix in (".json", ".txt")]
    return sorted(files)


def weight_variant(folder: Path) -> str | None:
    """`fp16` for a folder in which a part's weights carry that name only, as diffusers' `variant` argument wants it.

    diffusers then takes the other parts' fp16 weights where they have any, and their plain ones where not.
    """
    return None if all(_weights(folder, part, "") for part in MODELS) else FP16


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """One of the checkpoint's JSON files; raises `UserError` for a broken one."""
    try:
        config: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problem = f"is not readable JSON ({type(error).__name__}): copy the checkpoint again"
        raise UserError(f"{folder / name} {problem}") from None
    return config


def _local_folder(checkpoint: str) -> Path | None:
    """The folder of an embedded or local checkpoint; None for what can only be on the hub."""
    if checkpoint in EMBEDDED:
        return EMBEDDED[checkpoint]
    path = Path(checkpoint).expanduser()
    return path if path.is_dir() else None


def _unknown(checkpoint: str) -> UserError:
    known = ", ".join(EMBEDDED)
    return UserError(f"generator.checkpoint '{checkpoint}' is no folder, no hub name like OWNER/NAME and not {known}")


def _download(checkpoint: str) -> Path:
    if not _HUB_NAME.fullmatch(checkpoint):
        raise _unknown(checkpoint)
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "tokenizer/*", *(f"{part}/{stem}*.safetensors" for part, stem in MODELS.items())]
    unused = ["*.non_ema.*", "*.fp16.*", "*.fp16-*", "safety_checker/*", "feature_extractor/*"]
    try:
        return Path(snapshot_download(checkpoint, allow_patterns=wanted, ignore_patterns=unused))
    except Exception as error:  # the hub client raises its own, httpx's and the operating system's
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"checkpoint '{checkpoint}' cannot be fetched from the hub: {reason[:160]}; "
            "check the name and the network, or give a local folder as generator.checkpoint"
        ) from None


def _required(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise _incomplete(folder, name)
    return folder / name


def _weight_files(folder: Path, part: str) -> list[Path]:
    """The part's weights that are read: one safetensors file, or an index and its shards."""
    for variant in (weight_variant(folder) or "", ""):
        found = _weights(folder, part, variant)
        if found is not None:
            if found.suffix == ".safetensors":
                return [found]
            shards = set(read_config(folder, f"{part}/{found.name}")["weight_map"].values())
            return [found, *(_required(folder, f"{part}/{shard}") for shard in sorted(shards))]
    raise _incomplete(folder, f"{part}/{MODELS[part]}.safetensors")


def _weights(folder: Path, part: str, variant: str) -> Path | None:
    """The part's weights of a variant (plain ones: empty), as one file or as the index of shards."""
    stem, infix = MODELS[part], f".{variant}" if variant else ""
    names = (f"{stem}{infix}.safetensors", f"{stem}.safetensors.index{infix}.json")
    return next((folder / part / name for name in names if (folder / part / name).is_file()), None)


def _incomplete(folder: Path, name: str) -> UserError:
    if not folder.is_dir():
        return UserError(f"checkpoint folder {folder} does not exist")
    return UserError(
        f"checkpoint folder {folder} is incomplete: {name} is missing (diffusers' layout with safetensors)"
    )


def _digest(path: Path) -> str:
    """SHA-256 of a file; the hub's cache already names large files by it."""
    real = path.resolve()
    if real.parent.name == "blobs" and _SHA256.fullmatch(real.name):
        return real.name
    state = real.stat()
    return _file_digest(real, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
