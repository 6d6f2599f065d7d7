"""Reading image files: upright, in RGB, with errors that name the file."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING

from datasets.errors import UserError, reason_of
from datasets.plurals import counted

if TYPE_CHECKING:
    from PIL.Image import Image

UNREADABLE_CHOICES = ("refuse", "skip")
READERS = 4
MOST_PIXELS = 300_000_000
"""Limit for an image file (phones make 200 million). Pillow needs 4 bytes a pixel, and as many again to rotate it."""
_MANY = 2_000
_SHOWN = 3
_TELLING = 512
"""How many bytes at the start of a file are read to recognise its kind."""

_LARGE = Lock()
"""Held while reading an image that Pillow by itself would refuse: READERS of them at once would not fit into memory."""

_log = logging.getLogger(__name__)


def load_rgb(path: Path) -> Image:
    """The image in `path`, as `to_rgb` gives it; of an animation or a multi-page file, the first image.

    Raises:
        UserError: the file is missing, truncated, not an image, or has too many pixels; the message names it.
    """
    from PIL import Image as images

    try:
        try:
            return _read(path)
        except images.DecompressionBombError:
            return _read_large(path)
    except MemoryError:
        raise  # the machine ran out of memory; the file may be fine
    except Exception as error:  # a decoder may raise anything for unexpected bytes
        raise UserError(f"{path}: {_what_is_wrong(path, error)}") from None


def open_image(source: Path | IO[bytes]) -> Image:
    """Pillow's `open` without its warnings, which do not name the file.

    Nothing is lost: Pillow refuses an image with too many pixels, and damaged EXIF or TIFF tags do not change pixels.

    Raises:
        PIL.Image.DecompressionBombError: the image has more pixels than Pillow accepts.
    """
    from PIL import Image as images

    if not any(known[2] is images.DecompressionBombWarning for known in warnings.filters):
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")
        warnings.simplefilter("ignore", images.DecompressionBombWarning)
    return images.open(source)


def reads_plainly(path: Path) -> bool:
    """Whether a program that only uses Pillow's `convert("RGB")` sees the same image in the file as `load_rgb`.

    The pixels are compared, so that the causes (EXIF orientation, transparency, 16 bits, inks) need not be listed.
    """
    from PIL import Image as images

    try:
        with open_image(path) as image:
            plain = image.convert("RGB")
    except images.DecompressionBombError:
        return False
    ours = load_rgb(path)
    return plain.size == ours.size and plain.tobytes() == ours.tobytes()


def to_rgb(image: Image) -> Image:
    """The image in mode RGB, upright (EXIF orientation).

    Transparent images are put on white, 16-bit grey is scaled to 8 bits, CMYK is converted without a colour profile.
    """
    from PIL import Image as images
    from PIL import ImageOps

    image.load()
    image = ImageOps.exif_transpose(_with_true_inks(image))
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _to_eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = images.new("RGBA", layer.size, "white")
        return images.alpha_composite(white, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _read(path: Path) -> Image:
    if path.is_fifo():
        raise OSError("a named pipe, which would have to be waited for")
    with open_image(path) as image:
        return to_rgb(image)


def _read_large(path: Path) -> Image:
    """Read an image of up to `MOST_PIXELS`. Pillow's limit holds for all threads, so it is restored afterwards."""
    from PIL import Image as images

    with _LARGE:
        usual, images.MAX_IMAGE_PIXELS = images.MAX_IMAGE_PIXELS, MOST_PIXELS // 2  # Pillow refuses above twice this
        try:
            return _read(path)
        finally:
            images.MAX_IMAGE_PIXELS = usual


def _with_true_inks(image: Image) -> Image:
    """Undo Pillow's inversion of a CMYK JPEG not written by Adobe: only Adobe inverts, but Pillow expects it of all."""
    from PIL import ImageChops

    is_inverted = image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info
    return ImageChops.invert(image) if is_inverted else image


def _to_eight_bits(image: Image) -> Image:
    """Convert grey of 16 bits (0–65535) or floats (0–255) to 8 bits, clipped."""
    import numpy as np
    from PIL import Image as images

    values = np.asarray(image).astype(np.float64)
    scaled = values if image.mode == "F" else values * (255.0 / 65535.0)
    return images.fromarray((np.clip(scaled, 0.0, 255.0) + 0.5).astype(np.uint8))


def _what_is_wrong(path: Path, error: BaseException) -> str:
    from PIL.Image import DecompressionBombError

    if isinstance(error, DecompressionBombError):
        return f"more than {MOST_PIXELS // 1_000_000} megapixels: make it smaller"
    if path.is_symlink() and not path.exists():
        return "a broken link"
    if isinstance(error, FileNotFoundError):
        return "no such image file"
    return f"not a readable image ({_reason(path, error)})"


def _reason(path: Path, error: BaseException) -> str:
    """What the decoder says or, if Pillow does not know the format, what the first bytes of the file say about it."""
    from PIL import UnidentifiedImageError

    if not isinstance(error, UnidentifiedImageError):
        return reason_of(error)
    with path.open("rb") as file:
        head = file.read(_TELLING).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "an empty file"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page with the name of an image: download it again"
    if head[4:8] == b"ftyp":
        return "HEIC or a video: convert it to JPEG or PNG"
    return "damaged, or in an unknown format"


def file_digest(path: Path) -> str:
    """Hexadecimal SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_images(paths: Sequence[Path], unreadable: str = "refuse") -> list[Path]:
    """Decode every file and return the readable ones, in order; datasets apply their setting `unreadable` with this.

    Args:
        unreadable: `refuse` raises for a file that cannot be decoded; `skip` leaves it out with a warning.

    Raises:
        UserError: a file cannot be decoded and `unreadable` is `refuse`, or `unreadable` is neither choice.
    """
    if unreadable not in UNREADABLE_CHOICES:
        raise UserError(f"unreadable={unreadable}: choose one of {', '.join(UNREADABLE_CHOICES)}")
    if len(paths) > _MANY:
        # A warning, so that users see it: otherwise they would wait for minutes without any message.
        _log.warning("decoding %d image files to check them; this takes a while", len(paths))
    with ThreadPoolExecutor(READERS) as pool:
        problems = list(pool.map(image_problem, paths))
    bad = [problem for problem in problems if problem]
    if bad and unreadable == "refuse":
        more = f", and {len(bad) - 1} more like it" if len(bad) > 1 else ""
        raise UserError(f"{bad[0]}{more}; remove it or skip unreadable files with --set unreadable=skip")
    if bad:
        more = " …" if len(bad) > _SHOWN else ""
        _log.warning("%s skipped: %s%s", counted(len(bad), "unreadable image file"), "; ".join(bad[:_SHOWN]), more)
    return [path for path, problem in zip(paths, problems, strict=True) if not problem]


def image_problem(path: Path) -> str:
    """Why the file cannot be read, in one line that names it; "" if it can."""
    try:
        load_rgb(path)
    except UserError as error:
        return str(error)
    return ""
