"""The legend of a figure, under its panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.figures.style import fitted
from benchmark.short_labels import short_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def legend_below(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend for all panels, below them, with as many columns as the labels leave room for.

    It leaves out the settings that all labels share, which `shared_note` states. The figure grows by the legend's
    height, and its layout leaves that space free.
    """
    texts = fitted(list(short_labels(labels).values()), 34)
    longest = max((len(line) for text in texts for line in text.split("\n")), default=1)
    across = max(1, min(len(texts), int(figure.get_figwidth() * 13 / (longest + 7))))
    legend = figure.legend(handles, [" "] * len(texts), ncols=across, loc="lower center", bbox_to_anchor=(0.5, 0))
    for shown, text in zip(legend.get_texts(), texts, strict=True):
        shown.set_text(text)  # if passed to `legend`, a label that begins with an underscore would be left out
    room = legend.get_window_extent().height / figure.dpi
    height = figure.get_figheight() + room
    figure.set_figheight(height)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, room / height, 1, 1 - room / height))
