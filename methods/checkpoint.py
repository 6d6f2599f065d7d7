"""Finds a Stable Diffusion checkpoint, checks that it is complete, and identifies its content. Loads no model."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from datasets.errors import UserError
from datasets.home import path_of
from datasets.images import file_digest
from datasets.seeding import fingerprint
from methods.architecture import check_architecture, sampler_class
from methods.checkpoint_download import download_checkpoint
from methods.checkpoint_layout import SCHEDULER, checkpoint_files, read_config
from methods.mini_sd import WEIGHTS
from methods.schedulers import SCHEDULERS, WITH_ETA
from methods.settings import GeneratorSettings

EMBEDDED = {"mini_sd": WEIGHTS}
"""Checkpoints that ship with the project, by name."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_generator_settings(settings: GeneratorSettings) -> None:
    """Refuse, without loading anything or using the network, settings that cannot work.

    Raises:
        UserError: an impossible resolution, or a checkpoint that is missing or incomplete.
    """
    if settings.resolution % 8:
        raise UserError(f"generator.resolution must be a positive multiple of 8, got {settings.resolution}")
    folder = local_folder(settings.checkpoint)
    if folder is not None:
        check_checkpoint(settings, folder)
    elif not _HUB_NAME.fullmatch(settings.checkpoint):
        raise _unknown(settings.checkpoint)


def checkpoint_folder(settings: GeneratorSettings) -> Path:
    """The local folder of a complete checkpoint; one on the hub is downloaded (or found in the hub's cache).

    Raises:
        UserError: as for `check_generator_settings` and `check_checkpoint`, or a checkpoint that cannot be fetched.
    """
    check_generator_settings(settings)
    folder = local_folder(settings.checkpoint)
    if folder is None:
        folder = download_checkpoint(settings.checkpoint)
        check_checkpoint(settings, folder)
    return folder


def check_checkpoint(settings: GeneratorSettings, folder: Path) -> None:
    """Refuse a folder that is incomplete or of another architecture, and η for a sampler that has none.

    Raises:
        UserError: the message says what is wrong and what to do.
    """
    check_architecture(folder)
    checkpoint_files(folder)
    sampler = SCHEDULERS[settings.scheduler] or sampler_class(folder)
    if settings.eta and sampler not in WITH_ETA:
        raise UserError(
            f"generator.eta is {settings.eta:g}, but {sampler} has no η: "
            "set generator.scheduler=ddim or generator.eta=0"
        )


def checkpoint_fingerprint(folder: Path) -> str:
    """A hash of the checkpoint's content, the same wherever its folder is."""
    digests = {path.relative_to(folder).as_posix(): _digest(path) for path in checkpoint_files(folder)}
    # The index decides on the sampler. Usually the sampler's own file, which is among the digests, names the same.
    sampler, named_in_its_file = sampler_class(folder), read_config(folder, SCHEDULER).get("_class_name")
    return fingerprint(digests) if sampler == named_in_its_file else fingerprint(digests, sampler)


def local_folder(checkpoint: str) -> Path | None:
    """The folder of an embedded or local checkpoint; None for one that can only be on the hub."""
    if checkpoint in EMBEDDED:
        return EMBEDDED[checkpoint]
    path = path_of(checkpoint)
    return path if path.is_dir() else None


def _unknown(checkpoint: str) -> UserError:
    known = ", ".join(EMBEDDED)
    return UserError(
        f"generator.checkpoint '{checkpoint}' is neither a folder, nor a hub name like OWNER/NAME, nor {known}"
    )


def _digest(path: Path) -> str:
    """SHA-256 of a file. The hub's cache already names large files by it."""
    real = path.resolve()
    if real.parent.name == "blobs" and _SHA256.fullmatch(real.name):
        return real.name
    state = real.stat()
    return _file_digest(real, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_digest(path: Path, _size: int, _modified: int) -> str:
    """Cached by size and time of change, so that a file that was rewritten is read again."""
    return file_digest(path)
