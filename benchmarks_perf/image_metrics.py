"""Metrics of image sets: the `prdc` package against exact search in blocks, in seconds and memory.

python -m benchmarks_perf.image_metrics --images 2000    a quick look

Each has a process of its own. At 20,000 images `prdc` takes 5 to 6 GB.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from io import StringIO

import numpy as np

from benchmarks_perf import report, seconds
from benchmarks_perf.own_process import in_own_process, peak_memory
from datasets.scripts import run_script
from evaluation.arrays import Singles
from evaluation.density_coverage import density_coverage
from evaluation.frechet_distance import frechet_distance
from evaluation.near_copies import authenticity, near_copy_share, nearest_distance
from evaluation.neighbours import neighbour_radii
from evaluation.precision_recall import precision_recall
from evaluation.vendi_score import vendi_score


@dataclass
class Measurement:
    """Seconds of each step, the metrics, and the megabytes by which the process grew beyond the features."""

    seconds: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0

    def time(self, step: str, work: Callable[[], dict[str, float]]) -> None:
        self.seconds[step] = seconds(lambda: self.metrics.update(work()))


def main(images: int = 20_000, entries: int = 1_024, neighbours: int = 5) -> None:
    """Time all metrics of `images` real and as many synthetic images of `entries` features each."""
    plain, ours = (in_own_process(work, images, entries, neighbours) for work in (_prdc, _ours))
    for step, spent in ours.seconds.items():
        print(f"  {step}: {spent:.1f} s")
    for name, expected in plain.metrics.items():
        print(f"  {name}: prdc {expected:.5f}, ours {ours.metrics[name]:.5f}")
    print(f"  all metrics: {sum(ours.seconds.values()):.1f} s")
    shared = ours.seconds["neighbours"] + ours.seconds["precision, recall"] + ours.seconds["density, coverage"]
    report(f"{images:,} × {entries:,}, prdc's four metrics", plain.seconds["prdc"], shared, "s")
    print(f"  memory beyond the features: prdc {plain.megabytes:,.0f} MB, ours {ours.megabytes:,.0f} MB")


def _features(images: int, entries: int) -> tuple[Singles, Singles]:
    """Real and synthetic features: 32 directions of variation and a little noise; the synthetic vary less."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((32, entries), np.float32)
    sets = [rng.standard_normal((images, entries), np.float32) for _ in range(2)]
    for features, spread in zip(sets, (1.0, 0.8), strict=True):
        features *= 0.5
        for start in range(0, images, 1_000):
            part = features[start : start + 1_000]
            part += rng.standard_normal((len(part), 32), np.float32) @ directions * np.float32(spread)
    return sets[0], sets[1]


def _ours(images: int, entries: int, neighbours: int) -> Measurement:
    real, synthetic = _features(images, entries)
    trained_on = np.arange(images) % max(1, images // 80) == 0
    train, held_out = real[trained_on], real[~trained_on]
    before, result, radii = peak_memory(), Measurement(), np.empty(0)

    def neighbours_once() -> dict[str, float]:
        nonlocal radii
        radii = neighbour_radii(real, neighbours)
        return {}

    def near_copies() -> dict[str, float]:
        share = near_copy_share(nearest_distance(synthetic, train), nearest_distance(held_out, train))
        return {"near copies": share, "authenticity": authenticity(synthetic, train)}

    result.time("neighbours", neighbours_once)
    result.time("precision, recall", lambda: asdict(precision_recall(real, synthetic, neighbours, radii)))
    result.time("density, coverage", lambda: asdict(density_coverage(real, synthetic, neighbours, radii)))
    result.time("Fréchet distance", lambda: {"Fréchet distance": frechet_distance(real, synthetic)})
    result.time("Vendi score", lambda: {"Vendi score": vendi_score(synthetic)})
    result.time("near copies", near_copies)
    result.megabytes = (peak_memory() - before) / 1e6
    return result


def _prdc(images: int, entries: int, neighbours: int) -> Measurement:
    from prdc import compute_prdc  # type: ignore[import-untyped]

    real, synthetic = _features(images, entries)
    before, result = peak_memory(), Measurement()
    with redirect_stdout(StringIO()):
        result.time("prdc", lambda: compute_prdc(real, synthetic, neighbours))
    result.megabytes = (peak_memory() - before) / 1e6
    return result


if __name__ == "__main__":
    run_script(main)
