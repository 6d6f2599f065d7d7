"""Where what can be computed again is kept."""

from __future__ import annotations

import os
from pathlib import Path

from datasets.home import path_of


def default_cache() -> Path:
    """DIAGEN_STORE, or `store` in the working directory."""
    return path_of(os.environ.get("DIAGEN_STORE") or "store").absolute()
