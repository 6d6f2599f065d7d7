"""Measured rates in a file, for `python -m benchmark sweep --dry-run --rates FILE` (read by `benchmark.rates`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.errors import NOT_PARSED, UserError
from datasets.whole_file import whole_file


def add_rates(path: Path, device: str, on_gpu: bool, seconds: Mapping[str, float]) -> None:
    """Write rates by name, keeping those of other parts that were measured on the same device at the same size.

    Raises:
        UserError: the file cannot be written.
    """
    content = {"device": device, "on_gpu": on_gpu, "seconds": {**_measured_before(path, device), **seconds}}
    try:
        with whole_file(path) as file:
            file.write(f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; name another file with --save") from error


def _measured_before(path: Path, device: str) -> Mapping[str, float]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        same: Mapping[str, float] = content["seconds"] if content["device"] == device else {}
    except (*NOT_PARSED, OSError, KeyError, TypeError):
        return {}
    return same
