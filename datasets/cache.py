"""The folder for results that can be recomputed."""

from __future__ import annotations

import os
from pathlib import Path

from datasets.home import path_of


def default_cache() -> Path:
    """The folder that DIAGEN_STORE names, or `store` in the working directory."""
    return path_of(os.environ.get("DIAGEN_STORE") or "store").absolute()
