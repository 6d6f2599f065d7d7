"""The figures of the report, inside the page."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmark.report_page.content import Figure
from benchmark.selection import Group

TYPES = {"png": "image/png", "svg": "image/svg+xml", "csv": "text/csv", "webp": "image/webp"}


def figures(groups: Sequence[Group]) -> tuple[Figure, ...]:
    """All figures in the catalogue's order, each as PNG or SVG, whichever is smaller."""
    from benchmark.figures.saving import save_figures

    with tempfile.TemporaryDirectory() as folder:
        return tuple(
            Figure(
                outcome.name,
                outcome.title,
                outcome.caption,
                outcome.notes,
                image=_smaller(outcome.files["svg"], outcome.files["png"]) if outcome.files else "",
                data=data_uri(outcome.files["csv"].read_bytes(), "csv") if outcome.files else "",
                missing=outcome.missing,
            )
            for outcome in save_figures(groups, Path(folder))
        )


def data_uri(content: bytes, kind: str) -> str:
    """The content itself as a data URI; `kind` is one of `TYPES`."""
    return f"data:{TYPES[kind]};base64,{base64.b64encode(content).decode('ascii')}"


def _smaller(*paths: Path) -> str:
    path = min(paths, key=lambda path: path.stat().st_size)
    return data_uri(path.read_bytes(), path.suffix.removeprefix("."))
