"""Scripts outside the main command line report an error in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.errors import UserError
from datasets.scripts import run_script


def refused() -> None:
    raise UserError("shots=0: ask for at least 1")


def without_a_file() -> None:
    Path("nowhere/plan.json").read_text()


def without_something() -> None:
    raise FileNotFoundError("no checkpoint here")


def without_a_package() -> None:
    import no_such_package  # noqa: F401


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (refused, "shots=0: ask for at least 1"),
        (without_a_file, "nowhere/plan.json: no such file or folder"),
        (without_something, "no checkpoint here"),
        (
            without_a_package,
            "No module named 'no_such_package': this script needs `pip install -r requirements-dev.txt`",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    script: Callable[[], None], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["script"])
    with pytest.raises(SystemExit) as ended:
        run_script(script)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{line}\n"
