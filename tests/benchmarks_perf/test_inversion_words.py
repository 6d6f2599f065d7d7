"""The words of both ways are judged on the same draws: identical words get identical scores."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks_perf.inversion_words import main
from methods.mini_sd import WEIGHTS
from methods.mini_sd.oracle import Oracle


@pytest.mark.slow
def test_both_ways_learn_words_that_draw_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    torch.save(Oracle().state_dict(), tmp_path / "oracle.pt")  # untrained: arbitrary but repeatable answers
    main(WEIGHTS, tmp_path, shots=1, steps=2, samples=1)
    together, one_by_one = [line for line in capsys.readouterr().out.splitlines() if "mean of 10 words" in line]
    assert together.startswith("all together")
    assert one_by_one.startswith("one by one, as published")
    assert together.partition("text-to-image")[2] == one_by_one.partition("text-to-image")[2]
