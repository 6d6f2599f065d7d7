"""Rates that `python -m benchmarks_perf --save FILE` measured on some machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import NOT_PARSED, UserError


@dataclass(frozen=True)
class Rates:
    """Seconds per unit of work, and the file and device that they come from.

    word: 1,000 steps of textual inversion with 4 samples.
    image: an image of 35 guided denoising steps, encoding and decoding included.
    view: a view of an image through the classifier's backbone.
    head: training a linear layer on features.
    feature: an image through the network for precision and recall.
    """

    source: str
    device: str
    on_gpu: bool
    word: float
    image: float
    view: float
    head: float
    feature: float


SECONDS = ("word", "image", "view", "head", "feature")


def read_rates(path: Path) -> Rates:
    """Read a file of rates; raise `UserError` if it is missing, is not such a file, or lacks a rate."""
    how = "`python -m benchmarks_perf --size full --save FILE` writes one"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        seconds = {name: float(content["seconds"][name]) for name in SECONDS}
        return Rates(str(path), str(content["device"]), bool(content["on_gpu"]), **seconds)
    except OSError as error:
        raise UserError(f"the file of rates {path} cannot be read ({error.strerror}): {how}") from None
    except KeyError as error:
        raise UserError(f"the file of rates {path} lacks {error}: {how}, if all parts are measured") from None
    except (*NOT_PARSED, TypeError, OverflowError):
        raise UserError(f"{path} is not a file of rates: {how}") from None
