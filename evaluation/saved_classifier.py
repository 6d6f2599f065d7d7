"""Saves a trained classifier to files, and loads it to recognise images elsewhere."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.errors import UserError
from datasets.images import load_rgb, open_image, to_rgb
from datasets.plugins import load_file, load_installed, source_of
from evaluation.backbones import BACKBONES, TIMM

if TYPE_CHECKING:
    from PIL.Image import Image

    from evaluation.classifier import Head
    from evaluation.frozen import Backbone

FACTS, WEIGHTS, PLUGIN = "classifier.json", "head.npz", "backbone.py"
MOST_SENT = 178
"""Largest image, in megapixels, that may be sent as bytes: Pillow's own limit, since anybody may send to a server."""
DATA_URL = re.compile(r"^\s*data:[^,]*;base64,", re.IGNORECASE)
"""The prefix that browsers put before a file's base64."""
URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class SavedClassifier:
    """A head and the name of its frozen backbone. If a user's file registers the backbone, the file is saved as well.

    classes: names in label order; backbone, image_size, dtype: as for `load_backbone`.
    """

    classes: tuple[str, ...]
    backbone: str
    image_size: int
    head: Head
    dtype: str = "auto"

    def save(self, folder: Path) -> None:
        """Write the files into an existing folder."""
        facts = {name: getattr(self, name) for name in ("classes", "backbone", "image_size", "dtype")}
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / WEIGHTS, weight=self.head.weight, bias=self.head.bias)
        source = source_of(BACKBONES[self.backbone]) if self.backbone in BACKBONES else None
        if source is not None:
            (folder / PLUGIN).write_bytes(source)

    def predict(self, images: Sequence[Image]) -> tuple[list[str], list[float]]:
        """The predicted class of each image, and its probability, in (0, 1]."""
        from evaluation.features import embed_images

        features = embed_images(_shared_backbone(self.backbone, self.image_size, self.dtype), images)
        probabilities = self.head.probabilities(features)
        best = probabilities.argmax(axis=1)
        confidence = probabilities[np.arange(len(best)), best]
        return [self.classes[int(label)] for label in best], [float(value) for value in confidence]


def load_classifier(folder: Path) -> SavedClassifier:
    """Load what `SavedClassifier.save` wrote.

    Raises:
        UserError: the backbone is not registered here, or it is registered by a file other than the saved one.
    """
    from evaluation.classifier import Head

    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    if not facts["backbone"].startswith(TIMM):
        _register(facts["backbone"], folder / PLUGIN)
    with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
        head = Head(arrays["weight"], arrays["bias"])
    dtype = facts.get("dtype", "float32")  # older files do not name the dtype
    return SavedClassifier(tuple(facts["classes"]), facts["backbone"], int(facts["image_size"]), head, dtype)


def as_image(value: Any) -> Image:
    """Convert a path, an image file's bytes (raw or as base64 text), an array or a PIL image to an RGB image.

    An array must be uint8 of shape (H, W), (H, W, 3) or, with transparency, (H, W, 4).

    Raises:
        UserError: the value is none of these, or not a readable image.
    """
    from PIL import Image as images

    if isinstance(value, images.Image):
        return to_rgb(value)
    if isinstance(value, np.ndarray):
        if value.dtype != np.uint8 or value.ndim not in (2, 3) or value.shape[2:] not in ((), (3,), (4,)):
            raise UserError(
                f"an array must have bytes, 0 to 255, in (height, width, 3), not {value.dtype} {value.shape}"
            )
        return to_rgb(images.fromarray(value))
    if isinstance(value, Path):
        return load_rgb(value)
    if isinstance(value, str):
        return _image_of_text(value)
    if isinstance(value, bytes):
        return _image_of_bytes(value)
    raise UserError(f"an image must be a path, bytes, base64 text, an array or a PIL image, not {type(value).__name__}")


def _register(backbone: str, plugin: Path) -> None:
    """Register a backbone from its saved file or an installed plugin: a new process knows only the project's own."""
    if backbone not in BACKBONES and plugin.is_file():
        load_file(plugin)
    elif backbone not in BACKBONES:
        load_installed()
    if backbone not in BACKBONES:
        raise UserError(
            f"the classifier's backbone '{backbone}' is unknown here: import its code, then load the classifier again"
        )
    here = source_of(BACKBONES[backbone])
    if here is not None and plugin.is_file() and here != plugin.read_bytes():
        raise UserError(f"another file registers the classifier's backbone '{backbone}' here: load it in a new process")


@cache
def _shared_backbone(name: str, image_size: int, dtype: str) -> Backbone:
    """The network, loaded once per process, however many classifiers use it."""
    from evaluation.backbones import load_backbone

    return load_backbone(name, image_size, dtype=dtype)


def _image_of_text(text: str) -> Image:
    """The image at a path or in base64. A missing path may also be valid base64, so the last error mentions both."""
    path = _existing(text)
    if path and path.is_file():
        return load_rgb(path)
    shown = " ".join(text[:60].split())
    if path and path.is_dir():
        raise UserError(f"'{shown}' is a folder: name an image file in it")
    try:
        data = _decoded(text)
    except ValueError:
        raise UserError(f"'{shown}' is neither an image file nor base64 of one") from None
    try:
        return _image_of_bytes(data)
    except UserError as error:
        raise UserError(f"'{shown}' is not a file, and as base64 it is {error}") from None


def _existing(text: str) -> Path | None:
    """The text as a path, if that exists; `~` stands for the home folder, as in a data root."""
    try:
        path = Path(text).expanduser() if text.startswith("~/") else Path(text)
        return path if text and path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long for a path, so it is base64; or there is no home folder
        return None


def _image_of_bytes(data: bytes) -> Image:
    from PIL import Image as images

    try:
        with open_image(io.BytesIO(data)) as opened:
            return to_rgb(opened)
    except MemoryError:
        raise
    except images.DecompressionBombError:
        raise UserError(f"an image of more than {MOST_SENT} megapixels: make it smaller") from None
    except Exception as error:  # a decoder may raise anything for unexpected bytes
        raise UserError(f"not a readable image of {len(data)} bytes ({type(error).__name__})") from None


def _decoded(text: str) -> bytes:
    """Decode base64 in any common form: as a data URL, broken into lines, URL-safe or without padding.

    Raises:
        ValueError: the text is not base64.
    """
    letters = "".join(DATA_URL.sub("", text).split()).translate(URL_SAFE)
    return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
