"""Tables of text for a terminal, Markdown, LaTeX or a spreadsheet. The first line holds the titles."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

Lines = Sequence[Sequence[str]]
"""Lines of equal length, titles first; the first column is text, the others are figures."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    "σ": r"$\sigma$",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{mark: rf"\{mark}" for mark in "&%$#_{}"},
}

_BEYOND_LATIN = r"[^\n\x20-\u017f\u2010-\u2026]"
_MARKDOWN = re.compile(r"[\\&<>|`*~]|(?<![^\W_])_|_(?![^\W_])|(?<=\])\(")
_ENTITIES = {"\\": "&#92;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""A backslash in a text is one of them: it would escape the mark after it, or the backslash that escapes that mark."""


def plain(lines: Lines) -> str:
    """Columns aligned by spaces, with a rule under the titles."""
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [
        "  ".join(
            _padded(text, width, column > 0) for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join(
        [rows[0].rstrip(), "─" * (sum(widths) + 2 * (len(widths) - 1)), *(row.rstrip() for row in rows[1:])]
    )


def markdown(lines: Lines) -> str:
    """A table as GitHub shows it."""
    titles, *rows = [[escape_markdown(text) for text in line] for line in lines]
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [titles, rule, *rows])


def latex(lines: Lines) -> str:
    """A `tabular` with booktabs' rules."""
    titles, *rows = [_guarded(" & ".join(escape_latex(text) for text in line)) + r" \\" for line in lines]
    columns = "l" + "r" * (len(lines[0]) - 1)
    return "\n".join(
        [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", titles, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    )


def comma_separated(lines: Sequence[Sequence[object]]) -> str:
    """CSV without a final line break; None becomes an empty field."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue().rstrip("\n")


def escape_latex(text: str) -> str:
    """The text with LaTeX's special characters made harmless.

    A character that pdfLaTeX cannot typeset becomes its code point, `U+1F600`.
    """
    signs = "|".join(map(re.escape, _LATEX))
    return re.sub(
        f"{signs}|{_BEYOND_LATIN}", lambda found: _LATEX.get(found.group()) or _code_point(found.group()), text
    )


def escape_markdown(text: str) -> str:
    """The text on one line, with the marks escaped that GitHub would read as a table's bar, HTML, code or emphasis.

    An underscore within a word stays: GitHub shows it as it is.
    """
    line = " ".join(text.split("\n"))
    return _MARKDOWN.sub(lambda found: _ENTITIES.get(found.group()) or f"\\{found.group()}", line)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _guarded(line: str) -> str:
    """Protect a leading bracket or star, which LaTeX would read as an argument of the preceding line end or rule."""
    return "{}" + line if line.startswith(("[", "*")) else line


def _code_point(mark: str) -> str:
    return f"U+{ord(mark):04X}"


def _width(text: str) -> int:
    """Columns that a terminal needs: wide East Asian characters take two, combining and invisible marks none."""
    marks = [c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in marks)
