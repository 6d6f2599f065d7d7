"""Progress that is told as a number of items done is shown as what was just finished."""

from __future__ import annotations

from benchmark.progress import Stages, up_to


def test_items_that_are_done_again_are_not_counted_twice() -> None:
    stages = Stages(quiet=True)
    with stages.stage("learning", total=9) as advance:
        report = up_to(advance)
        for done in (3, 1, 2, 3, 9):  # three, then from the beginning in smaller groups
            report(done, 9)
    assert stages.counts["learning"] == 9
