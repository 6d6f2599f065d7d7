"""Safe unpacking of untrusted archives: no paths out of the folder, no links, no devices, no archive bombs."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from datasets.base import Advance
from datasets.download import Archive, Stage, require_space
from datasets.errors import UserError, reason_of

MAX_FILES = 1_000_000
MAX_RATIO = 20
"""An archive may unpack to at most this many times its size (COCO's annotations: about 4) plus `SLACK` bytes."""
SLACK = 1 << 20

_LEADS_OUT = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|[\\\x00]")
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


@dataclass(frozen=True)
class _Member:
    """An entry of an archive; `kind` is "file", "folder", or what else it is, such as "link" or "device"."""

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes]]


def is_unpacked(archive: Archive, dataset_folder: Path) -> bool:
    """Whether the archive's folders exist. A folder only gets its name once it is complete, so this is enough."""
    return all((dataset_folder / folder).is_dir() for folder in archive.folders)


def unpack(archive: Archive, path: Path, dataset_folder: Path, stage: Stage) -> None:
    """Unpack the archive's folders that are missing in `dataset_folder`; `path` is a zip or tar file.

    Everything is first written to a hidden folder in `dataset_folder` and renamed once it is complete.

    Raises:
        UserError: the archive is damaged, unsafe, or lacks a folder, or the disk is too small; nothing is left behind.
    """
    dataset_folder.mkdir(parents=True, exist_ok=True)
    unfinished = dataset_folder / f".unpacking-{archive.file_name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with _errors_named(path), _opened(path) as members:
            chosen = _chosen(archive, path, members)
            require_space(dataset_folder, sum(member.size for _, member in chosen), f"unpacking {path.name}")
            with stage(f"unpack {path.name}", len(chosen), "files") as advance:
                _write(chosen, unfinished, advance)
        for folder in archive.folders:
            if not (dataset_folder / folder).exists():
                (unfinished / folder).rename(dataset_folder / folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _chosen(archive: Archive, path: Path, members: Iterator[_Member]) -> list[tuple[PurePosixPath, _Member]]:
    """The files in the archive's folders, each with its path in the dataset's folder."""
    chosen = []
    for member in _limited(path, members):
        place = _place(archive, member)
        if place is None:
            continue
        if member.kind not in ("file", "folder"):
            raise _refusal(path, f"'{member.name}' is a {member.kind}")
        if member.kind == "file":
            chosen.append((place, member))
    found = {place.parts[0] for place, _ in chosen}
    for folder in archive.folders:
        if folder not in found:
            raise UserError(f"{path}: contains no folder '{folder}', so it is another archive: remove it and run again")
    return chosen


def _limited(path: Path, members: Iterator[_Member]) -> Iterator[_Member]:
    """Yield the members; raise `UserError` once their names, number or total size could do harm."""
    limit, total = MAX_RATIO * path.stat().st_size + SLACK, 0
    for number, member in enumerate(members, start=1):
        total += member.size
        if _LEADS_OUT.search(member.name):
            raise _refusal(path, f"'{member.name}' points outside the folder")
        if number > MAX_FILES:
            raise _refusal(path, f"it contains more than {MAX_FILES} files")
        if total > limit:
            raise _refusal(path, f"it would unpack to more than {limit} bytes, {MAX_RATIO} times its size")
        yield member


def _place(archive: Archive, member: _Member) -> PurePosixPath | None:
    name = PurePosixPath(member.name)
    if archive.inside:
        if not name.is_relative_to(archive.inside):
            return None
        name = name.relative_to(archive.inside)
    return name if name.parts and name.parts[0] in archive.folders else None


def _write(chosen: Sequence[tuple[PurePosixPath, _Member]], folder: Path, advance: Advance) -> None:
    for place, member in chosen:
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        # "x" refuses a second member of the same name, which is harmless but never intended.
        with member.open() as source, target.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        advance(1)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[_Member]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            yield _zip_members(file)
    else:
        with tarfile.open(path) as file:
            yield _tar_members(file)


def _zip_members(file: zipfile.ZipFile) -> Iterator[_Member]:
    for info in file.infolist():
        kind = _unix_kind(info.external_attr >> 16) or ("folder" if info.is_dir() else "file")
        if info.flag_bits & 1:
            kind = "file under a password"
        yield _Member(info.orig_filename, info.file_size, kind, lambda info=info: file.open(info))  # type: ignore[misc]


def _unix_kind(mode: int) -> str:
    """`link` or `device` if the mode bits say so; empty for files, folders and zips without mode bits."""
    if stat.S_ISLNK(mode):
        return "link"
    return "device" if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) else ""


def _tar_members(file: tarfile.TarFile) -> Iterator[_Member]:
    for info in file:
        links = "link" if info.issym() or info.islnk() else "device"
        kind = "file" if info.isfile() else "folder" if info.isdir() else links
        yield _Member(info.name, info.size, kind, lambda info=info: _tar_file(file, info))  # type: ignore[misc]


def _tar_file(file: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    source = file.extractfile(info)
    assert source is not None, "only called for files"
    return source


@contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UserError(f"{path}: damaged, or not an archive ({reason_of(error)}); remove it and run again") from None
    except FileExistsError as error:
        raise _refusal(path, f"it contains {Path(error.filename).name} twice") from None
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be unpacked ({error.strerror or error})") from None


def _refusal(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: refused, {reason}; get the archive from its source, or unpack it by hand")
