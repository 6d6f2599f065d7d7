"""Seeds derived from what they are used for, so that no random draw depends on what else is drawn."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def fingerprint(*parts: Any) -> str:
    """Hexadecimal SHA-256 of JSON-serialisable parts: a key for whatever they determine."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def seed_from(*parts: Any) -> int:
    """A 63-bit seed determined by JSON-serialisable parts."""
    return int(fingerprint(*parts)[:16], 16) >> 1
