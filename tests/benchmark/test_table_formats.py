"""Tables as text, whatever characters a name contains."""

from __future__ import annotations

import csv
import io

from benchmark.table_formats import comma_separated, escape_latex, latex, markdown, plain

LINES = [["method", "test"], ["a|b_c", "50.0 ± 1.0"], ["日本", "–"]]


def test_plain_columns_are_aligned_for_the_eye():
    assert plain(LINES).splitlines() == [
        "method        test",
        "──────────────────",
        "a|b_c   50.0 ± 1.0",
        "日本             –",
    ]


def test_markdown_escapes_its_bars():
    assert markdown(LINES).splitlines()[:3] == ["| method | test |", "| --- | ---: |", r"| a\|b_c | 50.0 ± 1.0 |"]


def test_latex_escapes_its_marks():
    assert escape_latex(r"50% of a_b & \c{d} σ~^") == (
        r"50\% of a\_b \& \textbackslash{}c\{d\} $\sigma$\textasciitilde{}\textasciicircum{}"
    )
    assert latex(LINES).splitlines()[0] == r"\begin{tabular}{lr}"


def test_csv_can_be_read_back():
    lines = [["name", "x"], ['odd "name", with comma', 0.5], ["none", None]]
    assert list(csv.reader(io.StringIO(comma_separated(lines)))) == [
        ["name", "x"],
        ['odd "name", with comma', "0.5"],
        ["none", ""],
    ]
