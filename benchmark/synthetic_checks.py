"""Whether what a method made can be trained on and measured: methods may be anybody's code."""

from __future__ import annotations

import logging
import math

from benchmark.store import IMAGES, Store
from datasets.errors import UserError, kind_of
from datasets.few_shot import FewShotTask
from methods.base import Method, SyntheticImage, SyntheticSet

logger = logging.getLogger(__name__)


def check_synthetic(name: str, method: Method, task: FewShotTask, synthetic: SyntheticSet, store: Store) -> None:
    """Refuse images that would give figures of something else, and say which ones will change nothing.

    Args:
        name: the method's.

    Raises:
        UserError: one clear line about the first image that is wrong.
    """
    if not isinstance(synthetic, SyntheticSet):
        raise UserError(f"method '{name}' must return a SyntheticSet from synthesize, not {kind_of(synthetic)}")
    for number, image in enumerate(synthetic.images):
        if wrong := _wrong_with(image, task, store):
            raise UserError(f"method '{name}', image {number} of {len(synthetic.images)}: {wrong}")
    _warn(name, method, synthetic)


def _wrong_with(image: SyntheticImage, task: FewShotTask, store: Store) -> str:
    """What is wrong with it; empty where nothing is."""
    if not isinstance(image, SyntheticImage):
        return f"is no SyntheticImage but {kind_of(image)}"
    if not 0 <= image.guide < len(task.train):
        return f"its guide {image.guide} is no index into task.train, 0 to {len(task.train) - 1}"
    label = task.train[image.guide].label
    if image.label != label:
        return f"its label {image.label} is not its guide's, {label}, as which a classifier learns it"
    if not (math.isfinite(image.weight) and image.weight >= 0):
        return f"its weight {image.weight} must be a number, and not negative"
    if image.path != store.path(IMAGES, image.path.stem, ".png"):
        return f"{image.path} does not lie in the store: give images to tools.keep, or plan them for tools.generate"
    return ""


def _warn(name: str, method: Method, synthetic: SyntheticSet) -> None:
    alpha = method.synthetic_probability
    if synthetic.images and alpha == 0:
        logger.warning("%s: synthetic_probability is 0, so that none of its images is trained on", name)
    elif synthetic.images and all(image.weight == 0 for image in synthetic.images):
        logger.warning("%s: all of its images weigh 0, so that none is trained on", name)
    elif alpha > 0 and not synthetic.images:
        logger.warning("%s made no images: the classifier is trained on real ones alone", name)
