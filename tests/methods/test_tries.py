"""Tries run side by side on a CPU, report together, and stop at their next step when one of them fails."""

from __future__ import annotations

from concurrent.futures import CancelledError
from threading import Barrier, Event

import pytest
import torch

from datasets.errors import UserError
from evaluation.device import torch_threads
from methods.tries import Progress, run_tries

CPU = torch.device("cpu")
SECONDS = 30.0
"""Seconds after which a test stops waiting for another thread."""


def test_tries_run_at_the_same_time_on_a_core_each() -> None:
    both = Barrier(2)

    def work(number: int, report: Progress) -> tuple[int, int]:
        both.wait(SECONDS)  # passes only if both tries are here
        return number, torch.get_num_threads()

    with torch_threads(2):
        assert run_tries(work, 2, CPU, None) == [(0, 1), (1, 1)]


def test_more_tries_than_cores_wait_for_their_turn() -> None:
    with torch_threads(2):
        assert run_tries(lambda number, report: number, 5, CPU, None) == [0, 1, 2, 3, 4]


def test_one_try_has_all_cores() -> None:
    with torch_threads(3):
        assert run_tries(lambda number, report: torch.get_num_threads(), 1, CPU, None) == [3]


@pytest.mark.parametrize("cores", [1, 3])
def test_progress_is_that_of_all_tries_and_never_falls(cores: int) -> None:
    seen: list[tuple[int, int]] = []

    def work(number: int, report: Progress) -> None:
        for step in range(50):
            report(step + 1, 50)

    with torch_threads(cores):
        run_tries(work, 3, CPU, lambda done, total: seen.append((done, total)))
    assert seen == [(done, 150) for done in range(1, 151)]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_try_that_fails_stops_the_others_at_their_next_step(failing: int) -> None:
    started, stopped = Event(), Event()

    def work(number: int, report: Progress) -> None:
        if number == failing:
            started.wait(SECONDS)
            raise UserError("this try fails")
        try:
            for step in range(10**7):  # takes minutes
                report(step, 10**7)
                started.set()
        except CancelledError:
            stopped.set()

    with torch_threads(2), pytest.raises(UserError, match="this try fails"):
        run_tries(work, 2, CPU, None)
    assert stopped.is_set()
