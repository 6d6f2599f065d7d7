"""`python -m benchmark augment`: augment all of a user's photos and write a folder to train on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from benchmark.augmented_folder import (
    ImageToWrite,
    contents,
    real_images,
    refuse_unwritable,
    synthetic_images,
    write_folder,
)
from benchmark.checks import check_access, check_prompts_of_classes, check_services, warn_of_services, weighs_images
from benchmark.evaluate import plan_table
from benchmark.fetch import fetched_to_generate
from benchmark.progress import Stages
from benchmark.settings import RunSettings, build_method, open_dataset
from benchmark.store import Store
from benchmark.synthetic_checks import check_synthetic
from benchmark.tools import LocalTools, Models
from datasets.base import Advance
from datasets.cache import default_cache
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.image_folder import ImageFolder
from datasets.plurals import counted
from methods.base import Method, SyntheticSet

logger = logging.getLogger(__name__)


def augment(settings: RunSettings, folder: Path, stages: Stages) -> None:
    """Write every photo of the dataset imagefolder and the images that a method makes from it into a new folder.

    No photo is held out, and nothing is measured or tracked. The images are kept in the store and not made again.

    Args:
        settings: for a single seed.

    Raises:
        UserError: the method makes no images, the settings or photos keep it from making them, the folder cannot be
            written or exists and is not empty, or the folder or the store is inside the folder of photos.
    """
    method, task, tools = _checked(settings, folder, stages)
    warn_of_services(settings, method)
    stages.say(f"{counted(len(task.train), 'photo')} of {counted(len(task.classes), 'class')}")
    synthetic = _synthesize(settings, method, task, tools)
    origin = {"run": "", "method": settings.method}
    made = synthetic_images(plan_table(task, synthetic), [image.path for image in synthetic.images], origin)
    names = dict(zip(task.classes, task.dataset.class_folders, strict=True))
    with stages.stage("writing", len(task.train) + len(made), "images") as advance:  # a rotated photo takes seconds
        write_folder(folder, _counted(chain(real_images(task, origin), made), advance), names)
    stages.say(contents(folder, len(task.train), len(made)))


def fetch_to_augment(settings: RunSettings, folder: Path, stages: Stages) -> None:
    """Only fetch what `augment` needs from the network: networks and prompts, to where it looks for them.

    Raises:
        UserError: `augment` would refuse its settings or photos, weights cannot be obtained, or a language model writes
            no prompts.
    """
    method, task, tools = _checked(settings, folder, stages)
    if weighs_images(settings, method):
        _ = tools.classifier_embedder.backbone
        stages.say(f"classifier: {settings.classifier.backbone}")
    for line in fetched_to_generate(method, tools, [task]):
        stages.say(line)


def _checked(settings: RunSettings, folder: Path, stages: Stages) -> tuple[Method, FewShotTask, LocalTools]:
    """Everything that a user can get wrong is checked here, before any network is loaded."""
    refuse_unwritable(folder)
    method = build_method(settings)
    if "features" not in method.services:
        raise UserError(f"method '{settings.method}' generates no images from photos: choose another of `list methods`")
    check_services(settings, method)
    check_access(settings, method)
    task = _task(settings, folder)
    check_prompts_of_classes(settings, method, task.classes)
    return method, task, LocalTools(settings, Models(Store(), stages, settings.workers), task)


def _task(settings: RunSettings, folder: Path) -> FewShotTask:
    """A task of all photos to train on; photos in val/ are for the classifier that weights the images."""
    dataset = open_dataset(settings)
    assert isinstance(dataset, ImageFolder)
    for written, option in ((folder, "--out"), (default_cache(), "DIAGEN_STORE")):
        if written.resolve().is_relative_to(dataset.root.resolve()):
            raise UserError(
                f"{written} is inside the folder of photos and would be read as one: name another folder with {option}"
            )
    by_class, validation = dataset.all_photos()
    train = tuple(example for own in by_class for example in own)
    return FewShotTask(settings.dataset, dataset, max(map(len, by_class)), settings.seeds[0], train, validation, {})


def _counted(images: Iterable[ImageToWrite], advance: Advance) -> Iterator[ImageToWrite]:
    """The images, counting each when the next is requested, that is, when it has been written."""
    for image in images:
        yield image
        advance(1)


def _synthesize(settings: RunSettings, method: Method, task: FewShotTask, tools: LocalTools) -> SyntheticSet:
    if weighs_images(settings, method):
        _ = tools.classifier_embedder.backbone  # if its weights are unavailable, fail before hours of generation
        if not task.validation:
            logger.warning(
                "no validation photos: the classifier that weights the images is trained without early stopping and is "
                "not calibrated (to give it some, divide the folder into train/ and val/)"
            )
    synthetic = method.synthesize(task, tools)
    check_synthetic(settings.method, method, task, synthetic, tools.store)
    return synthetic
