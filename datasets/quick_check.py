"""Whether image files are whole, told from their first and last bytes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datasets.images import READERS, check_images

JPEG = (b"\xff\xd8\xff", b"\xff\xd9")
PNG = (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82")
"""How a file of the format begins and ends."""

_ENDS = 8


def check_ends(paths: Sequence[Path], unreadable: str = "refuse") -> list[Path]:
    """Like `check_images`, for many files: only what does not begin and end as a whole JPEG or PNG is decoded.

    Finds files that are empty, cut short or something else, such as an error page; not damage in the middle.

    Raises:
        UserError: as `check_images`.
    """
    with ThreadPoolExecutor(READERS) as pool:
        whole = list(pool.map(_looks_whole, paths))
    doubtful = [path for path, sure in zip(paths, whole, strict=True) if not sure]
    readable = set(check_images(doubtful, unreadable))
    return [path for path, sure in zip(paths, whole, strict=True) if sure or path in readable]


def _looks_whole(path: Path) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(_ENDS)
            file.seek(-min(_ENDS, os.fstat(file.fileno()).st_size), os.SEEK_END)
            tail = file.read(_ENDS)
    except OSError:
        return False
    return any(head.startswith(first) and tail.endswith(last) for first, last in (JPEG, PNG))
