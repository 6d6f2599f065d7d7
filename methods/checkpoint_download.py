"""Fetches a checkpoint from the hub: no more of it than is read, and no weights of another architecture."""

from __future__ import annotations

from pathlib import Path

from datasets.errors import UserError
from methods.architecture import check_architecture
from methods.checkpoint_layout import FP16, MODELS, has_plain_weights

_UNUSED = ["*.non_ema.*", "safety_checker/*", "feature_extractor/*"]


def download_checkpoint(name: str) -> Path:
    """The folder of a checkpoint on the hub, in the hub's own cache; nothing that lies there is fetched again.

    Weights in half precision are fetched only of parts that have no others.

    Raises:
        UserError: there is no such checkpoint, no network, or the architecture is another.
    """
    folder = _fetch(name, ["*.json", "tokenizer/*"])
    check_architecture(folder)
    plain = [f"{part}/{stem}*.safetensors" for part, stem in MODELS.items()]
    folder = _fetch(name, plain, [f"*.{FP16}.*", f"*.{FP16}-*"])
    lacking = [
        f"{part}/{stem}*{FP16}*.safetensors" for part, stem in MODELS.items() if not has_plain_weights(folder, part)
    ]
    return _fetch(name, lacking) if lacking else folder


def _fetch(name: str, wanted: list[str], unwanted: list[str] | None = None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=[*_UNUSED, *(unwanted or [])]))
    except Exception as error:  # the hub client raises its own, httpx's and the operating system's
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"checkpoint '{name}' cannot be fetched from the hub: {reason[:160]}; "
            "check the name and the network, or give a local folder as generator.checkpoint"
        ) from None
