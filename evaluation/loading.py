"""Loads images ahead of the network that uses them: in worker threads, in order, a bounded number at a time.

It uses threads, not processes, since Pillow releases the GIL to decode, resize and rotate. Measured on 4 cores, with
640 × 480 photos and the train-time transform: a loop 82 images/s; 4 threads 220 to 330; 4 forked processes (PyTorch's
DataLoader) 180 including their start and 340 without it. Spawned processes need 2 to 3 s to start, and datasets that
can be pickled. Drawing images (mini_focus) holds the GIL, so threads are no faster than a loop (about 600 to 700 a
second, more than EfficientNet-Lite0 takes there). PyTorch keeps a thread for each core: fewer were no faster.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")

MOST_WORKERS = 8
"""Default limit of worker threads on machines with many cores: code between Pillow's calls holds the GIL."""


def worker_count(workers: int) -> int:
    """`workers` itself, or for -1 the number of cores that this process may use, at most `MOST_WORKERS`."""
    return workers if workers >= 0 else min(cpu_cores(), MOST_WORKERS)


def cpu_cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_ahead(
    load: Callable[[Item], Loaded], items: Iterable[Item], workers: int, ahead: int
) -> Generator[Loaded, None, None]:
    """Yield `load(item)` for each item, in order; threads load items while the caller works with earlier ones.

    Close the generator when leaving early (`contextlib.closing`): this drops waiting items, and waits for those being
    loaded, at most one per thread.

    Args:
        workers: number of threads; 0 is a plain loop.
        ahead: most items loaded, loading or waiting at a time, besides the one that the caller has; at least 1.

    Raises:
        Exception: what `load` raised for an item, when its turn comes.
    """
    if workers == 0:
        yield from map(load, items)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    pending: deque[Future[Loaded]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(load, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
