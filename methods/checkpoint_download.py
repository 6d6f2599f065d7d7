"""Downloads a checkpoint from the hub: only the files that are read, and no weights of an unsupported architecture."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from datasets.errors import UserError, reason_of
from methods.architecture import check_architecture
from methods.checkpoint_layout import FP16, MODELS, checkpoint_files, has_plain_weights

_UNUSED = ["*.non_ema.*", "safety_checker/*", "feature_extractor/*"]

logger = logging.getLogger(__name__)


def download_checkpoint(name: str) -> Path:
    """Fetch a checkpoint from the hub into the hub's own cache; returns its folder. Cached files are not fetched again.

    Half-precision weights are fetched only for parts that have no others.

    Raises:
        UserError: there is no such checkpoint, no network, or the architecture is not supported.
    """
    folder = _fetch(name, ["*.json", "tokenizer/*"], tqdm_class=_silent_bar())
    check_architecture(folder)
    whole = _is_whole(folder)
    if whole and not _without_plain_weights(folder):
        return folder
    if not whole:
        logger.warning("downloading the weights of %s from the hub to %s: gigabytes, but only this once", name, folder)
    plain = [f"{part}/{stem}*.safetensors" for part, stem in MODELS.items()]
    folder = _fetch(name, plain, [f"*.{FP16}.*", f"*.{FP16}-*"])
    lacking = [f"{part}/{MODELS[part]}*{FP16}*.safetensors" for part in _without_plain_weights(folder)]
    return _fetch(name, lacking) if lacking else folder


def _is_whole(folder: Path) -> bool:
    try:
        checkpoint_files(folder)
    except UserError:
        return False
    return True


def _without_plain_weights(folder: Path) -> list[str]:
    return [part for part in MODELS if not has_plain_weights(folder, part)]


def _fetch(name: str, wanted: list[str], unwanted: list[str] | None = None, **how: Any) -> Path:
    from huggingface_hub import snapshot_download

    unused = [*_UNUSED, *(unwanted or [])]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=unused, **how))
    except Exception as error:  # the hub client raises its own, httpx's and the operating system's
        raise UserError(
            f"checkpoint '{name}' cannot be fetched from the hub: {reason_of(error)}; "
            "check the name and the network, or give a local folder as generator.checkpoint"
        ) from None


def _silent_bar() -> type[Any]:
    """A bar that shows nothing, for the small files checked at each start: the hub's would count cached ones too."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Silent(tqdm):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **{**named, "disable": True})

    return Silent
