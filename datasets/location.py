"""Finds a dataset's folder under the data root."""

from __future__ import annotations

import os
from pathlib import Path

from datasets.errors import UserError
from datasets.home import path_of


class NotOnDisk(UserError):
    """The dataset has no folder, or no data root is known to look in."""


def given_data_root(data_root: str) -> Path | None:
    """The folder that the user gave, or else the one that DIAGEN_DATA names; None if neither is set."""
    given = data_root or os.environ.get("DIAGEN_DATA")
    return path_of(given) if given else None


def named_folder(data_root: Path, name: str, other_names: tuple[str, ...] = ()) -> Path:
    """`<data root>/<name>`, or if that does not exist, the first existing folder of `other_names`, if there is one."""
    folders = [data_root / each for each in (name, *other_names)]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def dataset_folder(
    data_root: Path | None, name: str, marker: str, advice: str, other_names: tuple[str, ...] = ()
) -> Path:
    """`<data root>/<name>`, or the data root itself if it contains `marker` (a file or folder of the layout).

    Args:
        other_names: names to try if there is no folder `name`.

    Raises:
        NotOnDisk: no data root is given, or neither folder exists; the message ends with `advice`.
    """
    if data_root is None:
        raise NotOnDisk(f"dataset {name}: no data root given; {advice}")
    folder = named_folder(Path(data_root), name, other_names)
    if folder.is_dir():
        return folder
    if (Path(data_root) / marker).exists():
        return Path(data_root)
    raise NotOnDisk(f"{folder.absolute()}: no such folder; {advice}")
