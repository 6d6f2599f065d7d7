"""The look of all figures: seaborn's colour-blind palette, with a different marker and line style for every method.

Colour is never the only cue: markers, dashes or hatches say the same, so that a figure survives a black-and-white
print. No text is smaller than 8 points.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import matplotlib
import seaborn as sns

from benchmark.short_labels import AT_SHOTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 6.9
"""Width in inches of a figure that fills a page's text width."""

FIRST = ("standard", "da_fusion", "diagen")
"""Methods that look the same in all figures, whichever others are shown."""

YELLOW, BLACK = "#ece133", "#222222"
COLOURS = tuple(BLACK if colour == YELLOW else colour for colour in sns.color_palette("colorblind").as_hex())
"""Seaborn's, with black instead of the yellow that is hard to see on a white page."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "*", "h")
LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++", "oo")

FEWEST_LINES, MOST_LINES = 4, 24
"""Lines of a name, and the limit up to which it grows if fewer lines do not distinguish it from another."""

_OWN = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "grid.color": "0.88",
    "grid.linewidth": 0.6,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.handlelength": 2.8,
    "legend.frameon": False,
    "figure.titlesize": 10.5,
    "hatch.linewidth": 0.7,
    "lines.linewidth": 1.4,
    "lines.markersize": 5.5,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.06,
    "svg.fonttype": "none",  # keeps text as text: it can be searched, read aloud and set in the page's font
    "svg.hashsalt": "figures",  # the same drawing gives the same file
    "text.parse_math": False,  # a method may be called a$b$
}


@dataclass(frozen=True)
class Style:
    """How one series looks."""

    colour: str
    marker: str
    line: Any
    hatch: str


@contextmanager
def look() -> Iterator[None]:
    """Matplotlib's settings while a figure is drawn and saved."""
    settings = {**sns.plotting_context("paper"), **sns.axes_style("ticks"), **_OWN}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # For names in other scripts: the SVG holds them as text, which the reader's own fonts can show.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def nth_style(number: int) -> Style:
    """The look of the n-th series, counted from 0; ten colours and eleven markers make 110 different looks."""
    return Style(
        COLOURS[number % len(COLOURS)],
        MARKERS[number % len(MARKERS)],
        LINES[number % len(LINES)],
        HATCHES[number % len(HATCHES)],
    )


def styles(labels: Collection[str]) -> dict[str, Style]:
    """A look for every label, in the order of a legend: `FIRST`, then the others by name."""
    others = sorted(set(labels) - set(FIRST))
    known = [label for label in FIRST if label in labels]
    places = {**{label: FIRST.index(label) for label in known}, **{o: len(FIRST) + i for i, o in enumerate(others)}}
    return {label: nth_style(place) for label, place in places.items()}


def readable(text: str, width: int = 44, lines: int = FEWEST_LINES) -> str:
    """The text in at most `lines` lines of `width` characters, without characters that an SVG cannot hold.

    If it is cut, the number of shots at its end is kept.
    """
    clean = "".join(mark if mark.isprintable() else " " for mark in text)
    tail = AT_SHOTS.search(clean)
    return "\n".join(wrap(clean, width, max_lines=lines, placeholder=f" …{tail.group() if tail else ''}")) or " "


def fitted(texts: Sequence[str], width: int) -> list[str]:
    """Each text in lines of this width, cut after `FEWEST_LINES`, or later if that cut makes texts equal.

    If texts stay equal, for example because they differ only in characters that cannot be shown, all are numbered.
    """
    for most in range(FEWEST_LINES, MOST_LINES + 1):
        cut = [readable(text, width, most) for text in texts]
        if len(set(cut)) == len(texts):
            return cut
    return [readable(f"({number}) {text}", width) for number, text in enumerate(texts, 1)]


def write_notes(figure: Figure, notes: Sequence[str]) -> None:
    """Set the notes in small print under the figure."""
    if notes:
        width = int(figure.get_figwidth() * 16)
        text = "\n".join(readable(note, width, lines=6) for note in dict.fromkeys(notes))
        figure.text(0, -0.08 / figure.get_figheight(), text, ha="left", va="top", fontsize=8, color="0.25")
