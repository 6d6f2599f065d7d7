"""Numbers of things in texts."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 image`, `4 images`, `2 classes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count} {noun}{ending}"
