"""Makes one HTTP request that appends the missing rest to a file, with libcurl (pycurl).

libcurl asks for the rest by range, refuses an answer that does not continue where the file ends, and notices when a
body was cut short or a connection went silent. The file itself is the only state, so a download survives the death of
this process. The caller decides when to ask again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from datasets.base import Advance

if TYPE_CHECKING:
    from pycurl import Curl

SILENCE = 60
"""Seconds without a byte after which a connection counts as broken."""
WORTH_ASKING_AGAIN = (408, 425, 429)
"""HTTP status codes below 500 after which another attempt may succeed."""


class BrokenOff(Exception):
    """The transfer ended before the file was complete; the next request may continue from there."""


class CannotResume(BrokenOff):
    """The server cannot send only the rest of a file."""


class Refused(Exception):
    """The server does not have the file; asking again would not help."""


def append(url: str, path: Path, size: int, advance: Advance) -> None:
    """Request the bytes of `url` that follow those in `path`, and append them as they come.

    Args:
        size: the size of the whole file in bytes, 0 if unknown; a longer answer is refused.

    Raises:
        BrokenOff: the transfer ended early.
        Refused: the server answers that there is no such file, or offers one that is too large.
        OSError: the file cannot be written.
    """
    import pycurl

    trouble: list[OSError] = []
    with path.open("ab") as file:
        curl = _request(url, file, size, advance, trouble)
        try:
            curl.perform()
        except pycurl.error as error:
            if trouble:
                raise trouble[0] from None
            raise _meaning(*error.args, status=curl.getinfo(pycurl.RESPONSE_CODE), size=size) from None
        finally:
            curl.close()


def _request(url: str, file: IO[bytes], size: int, advance: Advance, trouble: list[OSError]) -> Curl:
    """A request for what follows the bytes in `file`; an error while writing is appended to `trouble`."""
    import certifi
    import pycurl

    def write(block: bytes) -> int:
        # pycurl would print an exception and lose it.
        try:
            file.write(block)
        except OSError as error:
            trouble.append(error)
            return 0
        advance(len(block))
        return len(block)

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.CAINFO, os.environ.get("SSL_CERT_FILE") or certifi.where())
    curl.setopt(pycurl.FOLLOWLOCATION, True)
    curl.setopt(pycurl.FAILONERROR, True)
    curl.setopt(pycurl.RESUME_FROM_LARGE, file.tell())
    curl.setopt(pycurl.CONNECTTIMEOUT, SILENCE)
    curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
    curl.setopt(pycurl.LOW_SPEED_TIME, SILENCE)
    curl.setopt(pycurl.WRITEFUNCTION, write)
    if size:
        curl.setopt(pycurl.MAXFILESIZE_LARGE, size)
    return curl


def _meaning(code: int, message: str, *, status: int, size: int) -> Exception:
    """Convert libcurl's error code to the exception that says whether another attempt makes sense."""
    import pycurl

    if code == pycurl.E_RANGE_ERROR:
        return CannotResume("the server cannot continue the download where it broke off")
    if code == pycurl.E_FILESIZE_EXCEEDED:
        return Refused(f"the server offers another file, larger than the expected {size} bytes")
    if code == pycurl.E_HTTP_RETURNED_ERROR and status < 500 and status not in WORTH_ASKING_AGAIN:
        return Refused(f"the server answered with status {status}")
    return BrokenOff(message)
