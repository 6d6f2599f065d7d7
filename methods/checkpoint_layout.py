"""The files of a checkpoint folder: diffusers' layout with safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datasets.errors import NOT_PARSED, UserError

MODELS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
"""The parts with weights, and the stems of their weight files' names."""
FP16 = "fp16"
"""The variant in the names of half-precision weight files."""
INDEX = "model_index.json"
"""The file that names the class of each part."""
SCHEDULER = "scheduler/scheduler_config.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")


def checkpoint_files(folder: Path) -> list[Path]:
    """All files whose content matters, sorted; raises `UserError` naming the first missing file."""
    files = [required(folder, SCHEDULER)]
    for part in MODELS:
        files += [required(folder, config_name(part)), *_weight_files(folder, part)]
    if not any((folder / "tokenizer" / name).is_file() for name in TOKENIZER_FILES):
        raise _incomplete(folder, f"tokenizer/{TOKENIZER_FILES[0]}")
    files += [path for path in (folder / "tokenizer").iterdir() if path.suffix in (".json", ".txt")]
    return sorted(files)


def config_name(part: str) -> str:
    """The path of a part's configuration within the folder."""
    return f"{part}/config.json"


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """Read one of the checkpoint's JSON files; raises `UserError` if it is missing or broken."""
    path = required(folder, name)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (*NOT_PARSED, OSError) as error:
        raise UserError(f"{path} is not readable JSON ({type(error).__name__}): copy the checkpoint again") from None
    if not isinstance(config, dict):
        raise UserError(f"{path} contains no JSON object: copy the checkpoint again")
    return config


def weight_variant(folder: Path, part: str) -> str | None:
    """`fp16` for a part that only has weights with this name, else None: diffusers' `variant` argument."""
    return FP16 if not has_plain_weights(folder, part) and _weights(folder, part, FP16) else None


def has_plain_weights(folder: Path, part: str) -> bool:
    """Whether a part has weights under the plain name, whatever others it has."""
    return _weights(folder, part, "") is not None


def required(folder: Path, name: str) -> Path:
    """The path of a file in the folder; raises `UserError` if it is missing."""
    if not (folder / name).is_file():
        raise _incomplete(folder, name)
    return folder / name


def _weight_files(folder: Path, part: str) -> list[Path]:
    """The files of the part's weights that are read: one safetensors file, or an index and its shards."""
    found = _weights(folder, part, weight_variant(folder, part) or "")
    if found is None:
        raise _incomplete(folder, f"{part}/{MODELS[part]}.safetensors")
    if found.suffix == ".safetensors":
        return [found]
    shards = read_config(folder, f"{part}/{found.name}").get("weight_map")
    if not isinstance(shards, dict):
        raise UserError(f"{found} names no weights (weight_map): copy the checkpoint again")
    return [found, *(required(folder, f"{part}/{shard}") for shard in sorted(set(shards.values())))]


def _weights(folder: Path, part: str, variant: str) -> Path | None:
    """The file of the part's weights of a variant (empty: plain), or the index of their shards."""
    stem, infix = MODELS[part], f".{variant}" if variant else ""
    names = (f"{stem}{infix}.safetensors", f"{stem}.safetensors.index{infix}.json")
    return next((folder / part / name for name in names if (folder / part / name).is_file()), None)


def _incomplete(folder: Path, name: str) -> UserError:
    if not folder.is_dir():
        return UserError(f"checkpoint folder {folder} does not exist")
    return UserError(
        f"checkpoint folder {folder} is incomplete: {name} is missing (diffusers' layout with safetensors)"
    )
