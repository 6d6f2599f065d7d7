"""`prepare DATASET`: fetch and unpack what is missing, then check every file."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.counts import counts_table
from benchmark.progress import Stages
from benchmark.settings import resolve_settings
from datasets.base import DATASETS, Advance, Dataset, Verification
from datasets.download import download
from datasets.errors import UserError
from datasets.location import given_data_root, named_folder
from datasets.plugins import code_of
from datasets.plurals import counted
from datasets.unpack import is_unpacked, unpack

SHOWN_PROBLEMS = 20
DOWNLOADS = "downloads"
"""The folder in the data root where archives are kept."""
MEGABYTE = 1_000_000
SECONDS_BETWEEN_LINES = 10.0


def prepare_dataset(name: str, data_root: str = "", overrides: tuple[str, ...] = (), plugins: str = "") -> None:
    """Download and unpack a dataset, or say what the user must fetch and where to put it; then call `verify_dataset`.

    What is already there is neither downloaded nor unpacked again.

    Args:
        overrides: `key=value` texts, as for `resolve_settings`.
        plugins: the value of --plugins, if it loaded the dataset; repeated in the command that an error suggests.

    Raises:
        UserError: no data root is given, a setting is wrong, or the data cannot be obtained or have problems.
    """
    _own_settings(name, overrides)  # find mistakes in them now, not after hours of download
    plugin, root, stages = DATASETS[name], given_data_root(data_root), Stages()
    if plugin.archives:
        if root is None:
            raise UserError(
                f"dataset {name}: no data root given; name the folder for the data with --data-root or the environment "
                "variable DIAGEN_DATA"
            )
        _provide(name, plugin, root, stages)
    elif plugin.instructions:
        _print(plugin.instructions)
    elif not code_of(plugin) and not _needs_a_folder(plugin):
        stages.say(f"{name} comes with this repository: there is nothing to download")
    verify_dataset(name, data_root, overrides, plugins)


def verify_dataset(name: str, data_root: str = "", overrides: tuple[str, ...] = (), plugins: str = "") -> None:
    """Print the number of images per class and split or setting, and the problems found in the data.

    Args:
        overrides: `key=value` texts, as for `resolve_settings`.
        plugins: the value of --plugins, if it loaded the dataset; repeated in the command that an error suggests.

    Raises:
        UserError: a setting is wrong, the folders are missing, or there are problems.
    """
    plugin, root = DATASETS[name], given_data_root(data_root)
    verification = plugin.verify(root, _teller(Stages()), **_own_settings(name, overrides))
    _print(report(name, verification))
    if verification.problems:
        count = len(verification.problems)
        given = {"--plugins": plugins, "--data-root": data_root}
        options = [word for option, value in given.items() if value for word in (option, value)]
        options += [f"--set={text}" for text in overrides]
        raise UserError(
            f"{name}: {counted(count, 'problem')}{f' in {root}' if root else ''}; fix what is named above, then "
            f"check again with `{shlex.join(['python', '-m', 'benchmark', 'prepare', name, '--verify', *options])}`"
        )


def report(name: str, verification: Verification) -> str:
    """The table of counts, if anything could be counted, and the first problems, one per line."""
    shown = verification.problems[:SHOWN_PROBLEMS]
    more = len(verification.problems) - len(shown)
    lines = [*([counts_table(name, verification.counts)] if verification.counts else []), *shown]
    if more:
        lines.append(f"… and {more} more")
    if not verification.problems:
        lines.append("every image is readable and no problem was found")
    return "\n".join(lines)


def _own_settings(name: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    """The settings with which a run with these overrides would open the dataset."""
    return asdict(resolve_settings(method="standard", dataset=name, overrides=overrides).dataset_settings[name])


def _provide(name: str, plugin: type[Dataset], root: Path, stages: Stages) -> None:
    """Download and unpack into the dataset's folder every archive that is not yet unpacked there."""
    folder = _dataset_folder(plugin, root)
    missing = [archive for archive in plugin.archives if not is_unpacked(archive, folder)]
    stage = partial(_stage, stages)
    for archive in missing:
        unpack(archive, download(archive, root / DOWNLOADS, stage), folder, stage)
    if missing:
        stages.say(f"{name} is in {folder}; the archives in {root / DOWNLOADS} are no longer needed")
    else:
        stages.say(f"{name} is already unpacked in {folder}")


def _dataset_folder(plugin: type[Dataset], root: Path) -> Path:
    """`<data root>/<dataset>`, or the data root itself if that directly contains the dataset's folders."""
    folder = named_folder(root, plugin.archives[0].dataset, plugin.other_folders)
    if not folder.is_dir() and any((root / archive.folders[0]).is_dir() for archive in plugin.archives):
        return root
    return folder


def _needs_a_folder(plugin: type[Dataset]) -> bool:
    try:
        plugin(None)
    except UserError:
        return True
    return False


@contextmanager
def _stage(stages: Stages, name: str, total: int, unit: str) -> Iterator[Advance]:
    """`Stages.stage`, with bytes shown as megabytes."""
    scale = MEGABYTE if unit == "bytes" else 1
    done = 0
    with stages.stage(name, total // scale, "MB" if unit == "bytes" else unit) as advance:

        def count(amount: int) -> None:
            nonlocal done
            advance((done + amount) // scale - done // scale)
            done += amount

        yield count


def _teller(stages: Stages) -> Advance:
    """Report now and then how many images have been checked; their total is known only at the end."""
    looked_at, said = 0, time.monotonic()

    def advance(count: int) -> None:
        nonlocal looked_at, said
        looked_at += count
        if time.monotonic() - said > SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            stages.say(f"    {looked_at} images checked")

    return advance


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201
