"""Progress that is reported as a total of finished items is shown as the increase since the last report."""

from __future__ import annotations

import io
import sys

import pytest

from benchmark.progress import Stages, up_to


def test_items_that_are_done_again_are_not_counted_twice() -> None:
    stages = Stages(quiet=True)
    with stages.stage("learning", total=9) as advance:
        report = up_to(advance)
        for done in (3, 1, 2, 3, 9):  # three are done, then learning starts over in smaller groups
            report(done, 9)
    assert stages.counts["learning"] == 9


class Unread(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_work_goes_on_where_nobody_reads_its_progress_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As happens after `2>&1 | head -1`."""
    monkeypatch.setattr(Stages, "SECONDS_BETWEEN_LINES", -1)
    stages = Stages()
    for say in (lambda: stages.say("a cell"), lambda: begin_a_stage(stages)):
        monkeypatch.setattr(sys, "stderr", unread := Unread())
        say()
        assert sys.stderr is not unread


def begin_a_stage(stages: Stages) -> None:
    with stages.stage("learning", total=2) as advance:
        advance()
