"""Reports in one line that a tracking store is missing, or fails while it is written to."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from textwrap import shorten
from typing import Any
from urllib.parse import quote, unquote

from benchmark.tracking_address import database_file
from datasets.errors import CannotKeep, UserError, reason_of

_SECONDS_TO_ANSWER = 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""Numbers of the errors with which writing artifacts may fail."""
_BEFORE_THE_REASON = re.compile(r"(\(raised as a result of .*\n)?(\([\w.]+\) )?")
"""What SQLAlchemy puts before the database's own words; the lines after them hold the statement and its values."""

_OF_TLS = re.compile(r"\[SSL[^]]*\][^(]*")
"""OpenSSL's part of the message that requests gives."""

_HOST_AND_PORT = re.compile(r"(?![./])(?!.*://)(.*@)?[\w.-]+:\d+(/.*)?")
_ADDRESS = re.compile(r"([\w+.-]+://)?(?:(.*)@)?([^?]*)(?:\?(.*))?", re.DOTALL)
"""Scheme, user with password (which may contain any character), location, and query."""

_FILES = ("sqlite:", "file:", "/", ".")
"""How addresses of files begin; an `@` in their path does not mark a user."""

_DELETED_RUN = re.compile(r"[Rr]un (?:with id=)?(\w+) (?:must be in the 'active' state|not found)")
"""MLflow's messages about a run that was deleted and about one that does not exist."""


class ClientThatTells:
    """MLflow's client, with its failures turned into one-line errors by `told`."""

    def __init__(self, client: Any, uri: str) -> None:
        self._client, self._uri = client, uri

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        @wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            with told(self._uri):
                return method(*arguments, **named)

        return call


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turn failures of the store at `uri` (a full disk, a server that went away) into a `CannotKeep`.

    A run that somebody deleted in the meantime raises a plain `UserError`: other runs can still be kept.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        if deleted := _DELETED_RUN.search(str(error)):
            raise UserError(f"run {deleted[1]} was deleted in MLflow, or does not exist") from error
        raise unusable(uri, error) from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise unusable(uri, error) from error


def check_that_it_answers(uri: str) -> None:
    """Raise `ConnectionError` for a store that cannot be reached.

    That is a server that does not answer or that MLflow's TLS settings do not fit, or a database file that cannot be
    opened. MLflow itself would silently try for minutes, and would take an address without http:// for a folder.
    """
    import requests
    from mlflow.utils.credentials import get_default_host_creds

    if (file := database_file(uri)) and file.exists():
        _check_that_it_opens(file)
    if _HOST_AND_PORT.fullmatch(uri):
        raise ConnectionError("http:// may be missing in front of it")
    if not uri.startswith(("http://", "https://")):
        return
    tls = get_default_host_creds(uri)
    try:
        requests.head(uri, timeout=_SECONDS_TO_ANSWER, verify=tls.verify, cert=tls.client_cert_path)
    except requests.exceptions.SSLError as error:
        said = _OF_TLS.search(str(error))
        raise ConnectionError(
            f"no TLS connection: {said[0].strip() if said else reason_of(error)}; should the address begin with "
            "http://, or MLFLOW_TRACKING_SERVER_CERT_PATH name the server's certificate?"
        ) from None
    except (requests.ConnectionError, requests.Timeout):
        raise ConnectionError("no server answers there") from None


def _check_that_it_opens(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:  # another process is writing: MLflow waits
            raise ConnectionError(str(error)) from None


def unusable(uri: str, error: Exception) -> CannotKeep:
    """An error that says in one line what is wrong with a store, without the secrets that its address may hold."""
    reason = _BEFORE_THE_REASON.sub("", str(error).strip(), count=1).split("\n", 1)[0]
    for secret in secrets_in(uri):
        reason = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", reason)
    scheme, user, place, query = _parts(uri)
    shown = f"{scheme}{'…@' if user else ''}{place}{'?…' if query else ''}"
    return CannotKeep(
        f"the MLflow store {shown} cannot be used ({shorten(reason, 200, placeholder=' …')}): check "
        "MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_ID, and the space and rights there"
    )


def secrets_in(uri: str) -> list[str]:
    """All parts of an address that may be secret, as written, decoded and encoded; the longest first.

    They are the user, password or token, the query and its values. Pieces of the user and password are included: a
    parser that takes a character of the password for its end names only such a piece in its error message.
    """
    _, user, _, query = _parts(uri)
    values = [part.partition("=")[2] or part for part in re.split("[&;]", query)]
    texts = [user, user.partition(":")[2], *re.split("[:/?#@]", user), query, *values]
    return sorted({form for text in texts for form in (text, unquote(text), quote(text)) if form}, key=len)[::-1]


def _parts(uri: str) -> tuple[str, str, str, str]:
    """The groups of `_ADDRESS`; empty texts for what an address lacks."""
    if uri.startswith(_FILES):
        return "", "", uri, ""
    match = _ADDRESS.fullmatch(uri)
    scheme, user, place, query = match.groups(default="") if match else ("", uri, "", "")
    if "?" in user:  # in a password, or before an @ in the query: the location is not known
        return scheme, f"{user}@{place}", "", query
    return scheme, user, place, query
