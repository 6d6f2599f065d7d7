"""Checks of whether the services that a run needs can work, made before any of them is loaded."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from benchmark.settings import RunSettings
from datasets.errors import UserError
from methods.base import Method

logger = logging.getLogger(__name__)

_LARGE_IMAGE = 256
"""Side of an image, in pixels, from which a CPU is too slow; the miniature's 64 pixels are made for a CPU."""


def check_services(settings: RunSettings, method: Method) -> None:
    """Refuse backbones, checkpoints and prompt sources that cannot work; quick, without downloads.

    Raises:
        UserError: one clear line about the first that cannot work.
    """
    from evaluation.backbones import check_backbone, check_image_size

    check_backbone(settings.classifier.backbone)
    check_image_size(settings.classifier.backbone, settings.classifier.image_size)
    if "features" in method.services:
        check_backbone(settings.features.name, "features")
        check_image_size(settings.features.name, settings.features.image_size)
    if generates(method):
        from methods.checkpoint import check_generator_settings

        check_generator_settings(settings.generator)
    if writes_prompts(settings, method):
        from methods.prompts import check_prompt_settings

        check_prompt_settings(settings.prompts)


def check_access(settings: RunSettings, method: Method) -> None:
    """Refuse a run that cannot request its prompts, usually because the API key is missing; a dry run needs no key.

    Raises:
        UserError: one clear line.
    """
    if writes_prompts(settings, method):
        from methods.prompts import check_access_to_prompts

        check_access_to_prompts(settings.prompts)


def check_real_set(settings: RunSettings, method: Method, tests: Collection[str]) -> None:
    """Refuse `features.real_set=test` for several test sets with none named `test`; a single one may have any name."""
    wanted = "features" in method.services and settings.features.real_set == "test"
    if wanted and len(tests) > 1 and "test" not in tests:
        raise UserError(
            f"features.real_set=test: {settings.dataset} has no test set 'test', only {', '.join(sorted(tests))}; "
            "features.real_set=all_tests uses them together"
        )


def check_prompts_of_classes(settings: RunSettings, method: Method, classes: Sequence[str]) -> None:
    """Refuse a prompt file that lacks prompts for a class: a sweep may run for hours before it reads them.

    Raises:
        UserError: one clear line about the first class that lacks some.
    """
    if settings.prompts.source == "file" and writes_prompts(settings, method):
        from methods.prompts import write_prompts

        for noun in classes:
            write_prompts(noun, getattr(method, "prompts_per_class", 0), settings.prompts, seed=0)


def generates(method: Method) -> bool:
    """Whether a generator makes the method's images, even if none of them are trained on (α = 0)."""
    return "generator" in method.services


def writes_prompts(settings: RunSettings, method: Method) -> bool:
    """Whether the method asks for written prompts and they are not switched off."""
    if "prompts" in method.components:
        return "prompts" in settings.components
    return "prompts" in method.services and getattr(method, "prompts_per_class", 0) > 0


def weighs_images(settings: RunSettings, method: Method) -> bool:
    """Whether a guide classifier weights images: the method uses one, and its component `weights`, if any, is on."""
    on = "weights" in settings.components or "weights" not in method.components
    return on and "guide_classifier" in method.services


def warn_of_services(settings: RunSettings, method: Method) -> None:
    """Warn of settings that work but probably do not do what was intended."""
    if not generates(method):
        return
    from evaluation.device import default_device

    if settings.generator.resolution >= _LARGE_IMAGE and default_device().type == "cpu":
        logger.warning(
            "PyTorch finds no GPU that it can use; on a CPU, an image of %d pixels takes minutes and learning a word "
            "takes hours (docs/installation.md says which PyTorch to install for which GPU)",
            settings.generator.resolution,
        )
    if settings.generator.checkpoint == "mini_sd" and settings.dataset != "mini_focus":
        logger.warning(
            "mini_sd can draw only the ten classes of mini_focus: for %s set another generator.checkpoint and its "
            "generator.resolution, as --preset paper does",
            settings.dataset,
        )
    source = settings.prompts.source
    if source != "openai" and settings.prompts.base_url:
        logger.warning("prompts.base_url is ignored: only prompts.source=openai uses it, but it is %s", source)
    if source != "file" and settings.prompts.file:
        logger.warning("prompts.file is ignored: only prompts.source=file reads it, but it is %s", source)
