"""The artifact store: results that were expensive to make, by fingerprint of everything that they depend on.

An entry is one file, `<kind>/<first two digits>/<fingerprint>.<suffix>`. It is written under a temporary name in the
same folder and then renamed, so a reader finds a whole file or none, even if the writer dies. Two writers of one entry
write the same bytes, so it does not matter which of them is last. A file that cannot be read is treated as missing, and
is made again.
"""

from __future__ import annotations

import errno
import io
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from datasets.cache import default_cache
from datasets.errors import CannotKeep, reason_of
from datasets.whole_file import whole_file

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGES = "images"
"""The kind of images that methods made."""

_WRITERS = 2
_IMAGES_BEHIND = 64
"""Number of images that may wait to be written."""

logger = logging.getLogger(__name__)


class Store:
    """Arrays, JSON values, training states and PNG images by (kind, fingerprint).

    A folder that cannot be written to is refused as soon as an entry is missing in it, before the entry is made. A
    folder that holds every entry may be read-only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or default_cache()).absolute()
        self._can_be_written_to = False
        if not self.folder.is_dir():  # nothing is in it yet
            self._check_that_it_can_be_written_to()

    def path(self, kind: str, key: str, suffix: str) -> Path:
        return self.folder / kind / key[:2] / f"{key}{suffix}"

    def array(self, kind: str, key: str) -> npt.NDArray[Any] | None:
        """The stored array, or None."""
        return self._read(self.path(kind, key, ".npy"), lambda path: np.load(path, allow_pickle=False))

    def put_array(self, kind: str, key: str, value: npt.NDArray[Any]) -> None:
        data = io.BytesIO()  # Python writes the file: NumPy's own error would not say that a disk is full
        np.save(data, value, allow_pickle=False)
        with self._write(self.path(kind, key, ".npy")) as file:
            file.write(data.getbuffer())

    def json(self, kind: str, key: str) -> Any | None:
        """The stored value, or None."""
        return self._read(self.path(kind, key, ".json"), lambda path: json.loads(path.read_text(encoding="utf-8")))

    def put_json(self, kind: str, key: str, value: Any) -> None:
        with self._write(self.path(kind, key, ".json")) as file:
            file.write(json.dumps(value, ensure_ascii=False, indent=1).encode())

    def state(self, kind: str, key: str) -> dict[str, Any] | None:
        """A stored training state, with its tensors on the CPU, or None."""
        import torch

        return self._read(
            self.path(kind, key, ".pt"), lambda path: torch.load(path, map_location="cpu", weights_only=True)
        )

    def put_state(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Store `value`, which holds tensors, numbers and texts in lists and dictionaries."""
        import torch

        data = io.BytesIO()
        torch.save(value, data)
        with self._write(self.path(kind, key, ".pt")) as file:
            file.write(data.getbuffer())

    def remove_state(self, kind: str, key: str) -> None:
        """Remove a state, if it exists and can be removed."""
        with suppress(OSError):
            self.path(kind, key, ".pt").unlink()

    def image(self, kind: str, key: str) -> Path | None:
        """The path of a stored image that can be decoded, or None."""
        return self._read(self.path(kind, key, ".png"), _decoded)

    def put_image(self, kind: str, key: str, image: Image) -> Path:
        path = self.path(kind, key, ".png")
        with self._write(path) as file:
            image.save(file, format="PNG")
        return path

    def put_images(self, kind: str, images: Iterable[tuple[str, Image]]) -> Iterator[tuple[str, Path]]:
        """Store images by key as they come; threads compress and write them while the next ones are made.

        Yields each key and path once the image is on disk, in order.
        """
        with ThreadPoolExecutor(_WRITERS) as pool:
            waiting: deque[tuple[str, Future[Path]]] = deque()
            for key, image in images:
                waiting.append((key, pool.submit(self.put_image, kind, key, image)))
                while waiting and (len(waiting) > _IMAGES_BEHIND or waiting[0][1].done()):
                    key, written = waiting.popleft()
                    yield key, written.result()
            for key, written in waiting:
                yield key, written.result()

    def _read(self, path: Path, read: Callable[[Path], Any]) -> Any | None:
        try:
            if path.exists():
                return read(path)
        except Exception as error:  # decoders raise all kinds of errors for a damaged file
            logger.warning("%s is damaged (%s) and is made again", path, reason_of(error))
        self._check_that_it_can_be_written_to()
        return None

    def _check_that_it_can_be_written_to(self) -> None:
        """Raise `UserError` if it cannot; after one success there is no further check."""
        if not self._can_be_written_to:
            probe = self.folder / ".probe"
            with self._write(probe) as file:
                file.write(bytes(4096))
            probe.unlink(missing_ok=True)  # another process may have removed it
            self._can_be_written_to = True

    @contextmanager
    def _write(self, path: Path) -> Iterator[IO[bytes]]:
        try:
            with whole_file(path) as file:
                yield file
        except OSError as error:
            raise _cannot_write(self.folder, error) from error


def _decoded(path: Path) -> Path:
    from PIL import Image

    with Image.open(path) as image:
        image.load()
    return path


def _cannot_write(folder: Path, error: OSError) -> CannotKeep:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotKeep(
            f"no space left for the store {folder}: free some, or set DIAGEN_STORE to a folder on a larger disk"
        )
    reason = f"{error.filename} is not a folder" if isinstance(error, FileExistsError) else error.strerror or error
    return CannotKeep(f"cannot write to the store {folder}: {reason}; set DIAGEN_STORE to another folder")
