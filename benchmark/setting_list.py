"""What `python -m benchmark list settings` prints."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap

from benchmark.run_identity import as_override
from benchmark.setting_meanings import meaning
from benchmark.settings import resolve_settings, settable

WIDTH = 100
MEANING_AT = 44
"""Column at which meanings begin; most settings with their defaults fit before it."""


def list_settings(preset: str, dataset: str) -> str:
    """Every setting as `--set` takes it, with its default for a preset and dataset and its meaning, grouped.

    Raises:
        UserError: an unknown or broken preset, or an unknown dataset.
    """
    settings = resolve_settings(preset=preset, dataset=dataset)
    head = f"--set key=value; defaults of preset {preset}, protocol {settings.protocol}, on {settings.dataset}"
    paragraphs = [
        "\n".join(line for name, value in group for line in _lines(as_override(name, value), meaning(name)))
        for _, group in groupby(settable(settings).items(), key=lambda item: item[0].rpartition(".")[0])
    ]
    return "\n\n".join([head, *paragraphs])


def _lines(override: str, text: str) -> list[str]:
    """A setting with its meaning beside it, or below it if the setting is too long for its column."""
    meanings = wrap(text, WIDTH - MEANING_AT, break_long_words=False, break_on_hyphens=False)
    beside = [override] if len(override) + 2 > MEANING_AT or not meanings else []
    return beside + [
        f"{'' if beside or number else override:<{MEANING_AT}}{line}" for number, line in enumerate(meanings)
    ]
