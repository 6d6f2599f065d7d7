"""Where what can be computed again is kept."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache() -> Path:
    """DIAGEN_STORE, or `store` in the working directory."""
    return Path(os.environ.get("DIAGEN_STORE") or "store").expanduser().absolute()
