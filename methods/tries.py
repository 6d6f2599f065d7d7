"""Runs several tries of the same learning: side by side on a CPU, one after the other on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import TypeVar

import torch

from evaluation.device import torch_threads

Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with (steps done, total steps), summed over classes; steps done may fall when some must be repeated."""


def run_tries(
    work: Callable[[int, Progress], Result], tries: int, device: torch.device, on_progress: Progress | None
) -> list[Result]:
    """What `work(number, report)` returns for each try.

    On a CPU each of several tries runs on one core: small operations gain little from more, and the result of a try
    depends neither on the number of tries nor on the number of cores. A single try uses all threads, so its sums may
    round differently with another number of threads.

    Args:
        work: does one try and reports its own progress after each step.
        tries: how many, numbered from 0.
        device: where they compute.
        on_progress: called with the steps of all tries, from the thread that made one, never from two at once.

    Raises:
        Exception: what a try raised; the others stop at their next step, as they do on Ctrl-C.
    """
    done, reporting, left = [0] * tries, Lock(), Event()

    def run(number: int) -> Result:
        def report(steps: int, total: int) -> None:
            if left.is_set():
                raise CancelledError
            with reporting:
                done[number] = steps
                if on_progress is not None:
                    on_progress(sum(done), tries * total)

        return work(number, report)

    if tries == 1 or device.type != "cpu":
        return [run(number) for number in range(tries)]
    cores = torch.get_num_threads()
    with torch_threads(1), ThreadPoolExecutor(min(tries, cores)) as pool:
        futures = [pool.submit(run, number) for number in range(tries)]
        try:
            ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in ended:
                future.result()  # raises the exception of a try that failed
        finally:
            left.set()  # ends the other threads, which the pool waits for
            pool.shutdown(wait=False, cancel_futures=True)
    return [future.result() for future in futures]
