"""The tags of a tracked run that say where its figures come from."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

SOURCE = "python -m benchmark"
PROCESS = "process"
"""The tag that holds the machine and process number of a run, `<host>:<number>`."""


@cache
def origin() -> dict[str, str]:
    """Where a figure comes from: code, versions, process and user, also under MLflow's own names."""
    from mlflow.entities import SourceType
    from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER

    commit = _git("rev-parse", "HEAD")
    dirty = "+changes" if commit and _git("status", "--porcelain", "--untracked-files=no") else ""
    tags = {
        "git_commit": f"{commit}{dirty}" or "unknown",
        PROCESS: f"{socket.gethostname()}:{os.getpid()}",
        "python": sys.version.split()[0],
        MLFLOW_SOURCE_NAME: SOURCE,
        MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.LOCAL),
    }
    with suppress(OSError, KeyError):  # a container's user may have a number but no name
        tags[MLFLOW_USER] = getpass.getuser()
    if commit:
        tags[MLFLOW_GIT_COMMIT] = commit
    return tags | {f"version.{name}": version(name) for name in ("torch", "diffusers", "timm")}


def has_died(process: str) -> bool:
    """Whether a process, as the tag `process` names it, ran on this machine and no longer exists."""
    host, _, number = process.rpartition(":")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError, ValueError):  # another user's process; a number that none has
        pass
    return False


def _git(*arguments: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        folder = Path(__file__).parent
        answer = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
        return answer.stdout.strip()
    return ""
