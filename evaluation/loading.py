"""Loads images ahead of the network that takes them: in worker threads, in order, a bounded number at a time.

Threads, not processes: Pillow decodes, resizes and rotates without Python's lock. On 4 cores, photos of 640 × 480
through the train-time transform: a loop 82 images/s, 4 threads 220 to 330, 4 forked processes (PyTorch's DataLoader)
180 with their start and 340 without; spawned ones need 2 to 3 s to start, and datasets that can be pickled. Drawn
images (mini_focus) hold the lock, so that threads draw no more of them than a loop (about 600 to 700 a second, which
is more than EfficientNet-Lite0 takes there). PyTorch keeps a thread for each core: fewer were no faster.
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
"""Of threads by default, on machines with many cores: what lies between Pillow's calls runs one thread at a time."""


def worker_count(workers: int) -> int:
    """`workers` itself, or, for -1, one for each core that this process may use, at most `MOST_WORKERS`."""
    return workers if workers >= 0 else min(cpu_cores(), MOST_WORKERS)


def cpu_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_ahead(
    load: Callable[[Item], Loaded], items: Iterable[Item], workers: int, ahead: int
) -> Generator[Loaded, None, None]:
    """`load(item)` of each item, in order, made by threads while the caller works with earlier ones.

    Close the generator when leaving early (`contextlib.closing`): items that wait are dropped, and those under way,
    one for each thread, are waited for.

    Args:
        workers: threads; 0 is a plain loop.
        ahead: items that may be loaded, loading or waiting at a time beside the one that the caller has; at least 1.

    Raises:
        Exception: what `load` raised for an item, in that item's place.
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
