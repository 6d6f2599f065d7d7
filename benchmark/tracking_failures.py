"""A tracking store that is not there, or fails while it is written to, in one line."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from textwrap import shorten
from typing import Any
from urllib.parse import unquote, urlsplit

from datasets.errors import CannotKeep, UserError, reason_of

_SECONDS_TO_ANSWER = 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""Of errors with which artifacts cannot be written."""
_BEFORE_THE_REASON = re.compile(r"(\(raised as a result of .*\n)?(\([\w.]+\) )?")
"""What SQLAlchemy puts before the words of the database; in the lines after them are the statement and its values."""

_OF_TLS = re.compile(r"\[SSL[^]]*\][^(]*")
"""What OpenSSL says, of all that requests says of it."""

_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+(/.*)?")
_DELETED_RUN = re.compile(r"[Rr]un (?:with id=)?(\w+) (?:must be in the 'active' state|not found)")
"""What MLflow says of a run that was deleted, and of one that is not there."""


class ClientThatTells:
    """MLflow's client, whose failures are told as by `told`."""

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

    Of a run that somebody deleted meanwhile a `UserError` tells: the others can be kept.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        if deleted := _DELETED_RUN.search(str(error)):
            raise UserError(f"run {deleted[1]} was deleted in MLflow, or is not there") from error
        raise unusable(uri, error) from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise unusable(uri, error) from error


def check_that_it_answers(uri: str) -> None:
    """Raise `ConnectionError` for a server that is not there, or that MLflow's settings of TLS do not fit.

    MLflow itself would try for minutes, without a word; and take an address without http:// for a folder.
    """
    import requests
    from mlflow.utils.credentials import get_default_host_creds

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
            f"no TLS: {said[0].strip() if said else reason_of(error)}; is it http://, or should "
            "MLFLOW_TRACKING_SERVER_CERT_PATH name its certificate?"
        ) from None
    except (requests.ConnectionError, requests.Timeout):
        raise ConnectionError("no server answers there") from None


def unusable(uri: str, error: Exception) -> CannotKeep:
    """What is wrong with a store, in a line without the password that its address may hold."""
    reason = _BEFORE_THE_REASON.sub("", str(error).strip(), count=1).split("\n", 1)[0]
    for secret in secrets_in(uri):
        uri, reason = (text.replace(secret, "…") for text in (uri, reason))
    return CannotKeep(
        f"the MLflow store {uri} cannot be used ({shorten(reason, 200, placeholder=' …')}): check MLFLOW_TRACKING_URI, "
        "MLFLOW_EXPERIMENT_ID, and the space and rights there"
    )


def secrets_in(uri: str) -> list[str]:
    """The password in an address, as it is written and as it is meant."""
    try:
        password = urlsplit(uri).password
    except ValueError:  # no address at all
        return []
    return [password, unquote(password)] if password else []
