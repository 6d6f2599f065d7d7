"""Reading image files: upright, RGB, and with the file named when it cannot be read."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

UNREADABLE_CHOICES = ("refuse", "skip")
READERS = 4

_log = logging.getLogger(__name__)


def load_rgb(path: Path) -> Image:
    """The image of `path`, upright (EXIF orientation), in mode RGB.

    Transparency is laid over white; 16-bit grey is scaled to 8 bits; of an animation, the first frame counts.

    Raises:
        UserError: the file is missing, truncated or not an image; the message names it.
    """
    from PIL import Image as images
    from PIL import ImageOps

    try:
        with images.open(path) as opened:
            opened.load()
            return _to_rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError:
        raise UserError(f"{path}: no such image file") from None
    # A decoder may raise nearly anything for bytes that it did not expect.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, images.DecompressionBombError) as error:
        raise UserError(f"{path}: not a readable image ({_first_line(error)})") from None


def _to_rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _to_eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = images.new("RGBA", layer.size, "white")
        return images.alpha_composite(white, layer).convert("RGB")
    # `convert` returns the same object for RGB; the copy outlives the file.
    return image.convert("RGB") if image.mode != "RGB" else image.copy()


def _to_eight_bits(image: Image) -> Image:
    """Grey of 16 bits (0–65535) or floats (0–255) as 8 bits, clipped."""
    import numpy as np
    from PIL import Image as images

    values = np.asarray(image).astype(np.float64)
    scaled = values if image.mode == "F" else values * (255.0 / 65535.0)
    return images.fromarray((np.clip(scaled, 0.0, 255.0) + 0.5).astype(np.uint8))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]


def file_digest(path: Path) -> str:
    """Hexadecimal SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_images(paths: Sequence[Path], unreadable: str = "refuse") -> list[Path]:
    """Decode every file; the readable ones, in order.

    Args:
        unreadable: `refuse` raises for a file that cannot be decoded; `skip` leaves it out with a warning.

    Raises:
        UserError: a file cannot be decoded and `unreadable` is `refuse`, or `unreadable` is neither choice.
    """
    if unreadable not in UNREADABLE_CHOICES:
        raise UserError(f"unreadable={unreadable}: choose one of {', '.join(UNREADABLE_CHOICES)}")
    with ThreadPoolExecutor(READERS) as pool:
        problems = list(pool.map(_problem, paths))
    bad = [(path, problem) for path, problem in zip(paths, problems, strict=True) if problem]
    if not bad:
        return list(paths)
    if unreadable == "refuse":
        more = f", and {len(bad) - 1} more like it" if len(bad) > 1 else ""
        raise UserError(f"{bad[0][1]}{more}; remove it or skip unreadable files with --set unreadable=skip")
    _log.warning("%d unreadable image files skipped: %s", len(bad), ", ".join(str(path) for path, _ in bad))
    return [path for path, problem in zip(paths, problems, strict=True) if not problem]


def _problem(path: Path) -> str:
    try:
        load_rgb(path)
    except UserError as error:
        return str(error)
    return ""
