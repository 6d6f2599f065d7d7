"""Speed measurements: each script does the same work the plain way and our way in one run, and prints the ratio.

python -m benchmarks_perf                       the four parts that cost the paper its GPU-hours, in one table:
python -m benchmarks_perf.generation
python -m benchmarks_perf.textual_inversion
python -m benchmarks_perf.classifier
python -m benchmarks_perf.features

python -m benchmarks_perf.compiling             how long a new process waits: uncompiled, compiled anew, from the cache
python -m benchmarks_perf.coco_index
python -m benchmarks_perf.image_metrics
python -m benchmarks_perf.loading
python -m benchmarks_perf.classifier_accuracy   cached views against a fresh view for every sample, on real photos
"""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(what: str, plain: float, ours: float, unit: str) -> None:
    """Print one line with the plain way, ours and the ratio; both are in `unit`, the smaller the better."""
    print(f"{what}: plain {plain:.3g} {unit}, ours {ours:.3g} {unit}, {plain / ours:.1f} times as fast")
