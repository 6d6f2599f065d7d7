"""The user documentation, for tests of its content."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def page(name: str) -> str:
    """The text of a page, given its path in the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def code_blocks(name: str) -> list[str]:
    """The Python examples of a page, in order."""
    return [inspect.cleandoc("\n" + block) for block in re.findall(r"```python\n(.*?)```", page(name), re.DOTALL)]
