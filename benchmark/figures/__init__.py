"""Figures: pure functions of tracked runs, drawn with seaborn and matplotlib.

Each figure is one module with one `draw` function from groups of comparable runs to a `Drawing`; `FIGURES` lists them.
"""

from __future__ import annotations

from benchmark.figures.base import Drawing, MissingRuns
from benchmark.figures.catalogue import FIGURES, OF_ABLATION
from benchmark.figures.saving import save_figures

__all__ = ["FIGURES", "OF_ABLATION", "Drawing", "MissingRuns", "save_figures"]
