"""Checks that a method's images can be trained on and measured, since a method may be anyone's code."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.store import IMAGES, Store
from datasets.errors import UserError, kind_of
from datasets.few_shot import FewShotTask
from methods.base import Method, SyntheticImage, SyntheticSet
from methods.plan import PlanRow

if TYPE_CHECKING:
    from PIL.Image import Image

logger = logging.getLogger(__name__)


def check_synthetic(name: str, method: Method, task: FewShotTask, synthetic: SyntheticSet, store: Store) -> None:
    """Refuse images that would make the figures wrong, and warn of images that will have no effect.

    Args:
        name: the method's name.

    Raises:
        UserError: a one-line message about the first image that is wrong.
    """
    if not isinstance(synthetic, SyntheticSet):
        raise UserError(f"method '{name}' must return a SyntheticSet from synthesize, not {kind_of(synthetic)}")
    if not isinstance(synthetic.images, Sequence):  # a generator has no length, and is empty after one pass
        raise UserError(
            f"method '{name}': the images of its SyntheticSet must be a tuple, not {kind_of(synthetic.images)}"
        )
    for number, image in enumerate(synthetic.images):
        if wrong := _wrong_with(image, task, store):
            raise UserError(f"method '{name}', image {number} of {len(synthetic.images)}: {wrong}")
    _warn(name, method, synthetic)


def checked_to_keep(images: Iterable[tuple[int, Image]], task: FewShotTask) -> Iterator[tuple[int, Image]]:
    """Yield what a method passes to `tools.keep`; raise `UserError` at the first item that cannot be kept."""
    if not isinstance(images, Iterable):
        raise UserError(f"method gives tools.keep {kind_of(images)}, but it takes pairs of a guide and its image")
    for pair in images:
        if not (isinstance(pair, Sequence) and len(pair) == 2):
            raise UserError(f"method gives tools.keep {kind_of(pair)}, but it takes pairs of a guide and its image")
        guide, image = pair
        if not _is_guide(guide, task):
            raise UserError(
                f"method gives tools.keep an image of guide {guide!r}: guides are indices into task.train, "
                f"0 to {len(task.train) - 1}"
            )
        if wrong := _wrong_with_picture(image):
            raise UserError(f"method gives tools.keep, for guide {guide}, {wrong}")
        yield guide, image


def _is_guide(guide: object, task: FewShotTask) -> bool:
    return isinstance(guide, Integral) and 0 <= int(guide) < len(task.train)


def _wrong_with_picture(image: object) -> str:
    """What is wrong with a picture; empty if nothing is."""
    from PIL.Image import Image

    if not isinstance(image, Image):
        return f"{kind_of(image)} instead of a Pillow image: Image.fromarray makes one from an array"
    return "" if min(image.size) > 0 else f"an image of {image.width} × {image.height} pixels"


def _wrong_with(image: SyntheticImage, task: FewShotTask, store: Store) -> str:
    """What is wrong with a synthetic image; empty if nothing is."""
    if not isinstance(image, SyntheticImage):
        return f"is not a SyntheticImage but {kind_of(image)}"
    if not isinstance(image.row, PlanRow):
        return f"its row is not a PlanRow but {kind_of(image.row)}"
    if not _is_guide(image.guide, task):
        return f"its guide {image.guide!r} is not an index into task.train, 0 to {len(task.train) - 1}"
    label = task.train[image.guide].label
    if image.label != label:
        return f"its label {image.label} is not {label}, its guide's, which the classifier would learn it with"
    if not _is_weight(image.weight):
        return f"its weight {image.weight!r:.40} must be a number and not negative"
    if not isinstance(image.path, Path) or image.path != store.path(IMAGES, image.path.stem, ".png"):
        return f"{image.path} is not in the store: give images to tools.keep, or plan them for tools.generate"
    return ""


def _is_weight(weight: float) -> bool:
    try:
        return math.isfinite(weight) and weight >= 0
    except (TypeError, ValueError, OverflowError):  # OverflowError: too large for a float
        return False


def _warn(name: str, method: Method, synthetic: SyntheticSet) -> None:
    alpha = method.synthetic_probability
    if synthetic.images and alpha == 0:
        logger.warning("%s: synthetic_probability is 0, so none of its images is trained on", name)
    elif synthetic.images and all(image.weight == 0 for image in synthetic.images):
        logger.warning("%s: all of its images have weight 0, so none is trained on", name)
    elif alpha > 0 and not synthetic.images:
        logger.warning("%s made no images: the classifier is trained on real images alone", name)
