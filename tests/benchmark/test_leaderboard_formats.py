"""The output formats of a leaderboard: for a terminal, a web page, a paper, a spreadsheet and a program."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest
from scipy.stats import t

import methods  # noqa: F401
from benchmark.leaderboard import leaderboard
from benchmark.leaderboard_formats import FORMATS, check_format, write
from benchmark.selection import comparable
from benchmark.table_formats import escape_latex, escape_markdown, latex, plain
from datasets.errors import UserError
from tests.benchmark.leaderboard_cells import DIAGEN, STANDARD, TEST, UNCOMMON, board, cell, predictions


def test_a_terminal_of_120_columns_is_wide_enough():
    tables = {"predictions_test": predictions(90, 10), "predictions_uncommon": predictions(90, 10)}
    text = write([board([cell(name, 0, 0.9, tables=tables) for name in ("standard", "diagen")])], "table")
    assert max(map(len, text.splitlines())) <= 120
    assert text.splitlines()[0] == "mini_focus · preset mini · protocol paper · 4 shots · %"


def test_the_interval_over_seeds_is_shown_where_there_is_one():
    tables = {"predictions_uncommon": predictions(60, 40)}
    found = board([cell("standard", seed, value, tables=tables) for seed, value in enumerate((0.55, 0.6, 0.65))])
    score = found.rows[0].scores[UNCOMMON]
    assert score.over_seeds is not None and score.over_images is not None
    low, high = score.over_seeds
    assert f" 60.0 [{100 * low:.1f}, {100 * high:.1f}] " in write([found], "table")


def test_markdown_has_a_line_for_each_method():
    text = write([board(STANDARD + DIAGEN)], "markdown")
    half = t.ppf(0.975, 2) * 0.1 / 3**0.5
    bounds = f"[{100 * (0.7 - half):.1f}, {100 * (0.7 + half):.1f}]"
    assert f"| diagen | 90.0† | 70.0 {bounds} | – | 50.0 | 1.33 | 3 | 62 s | 8.0 |" in text


def test_latex_is_a_table_for_each_board_and_the_comparisons_once():
    more = [cell(name, 0, 0.5, shots=8) for name in ("standard", "da_fusion")]
    text = write(leaderboard(comparable([cell("da_fusion", 0, 0.6), cell("standard", 0, 0.5), *more])), "latex")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2
    assert r"\caption{mini\_focus · preset mini · protocol paper · 4 shots · \%}" in text
    assert r"da\_fusion & 90.0† & 60.0† & -- & -- & 1.25 & 1 & 2 s & -- \\" in text
    assert text.count("All pairs of methods") == 1


def test_csv_has_a_line_for_each_row_and_metric():
    lines = list(csv.DictReader(io.StringIO(write([board(STANDARD)], "csv"))))
    assert [line["metric"] for line in lines] == [TEST, UNCOMMON, "seconds/classifier"]
    (line,) = (line for line in lines if line["metric"] == UNCOMMON)
    assert (line["method"], line["seeds"], line["n"], float(line["mean"])) == (
        "standard",
        "0 1 2",
        "3",
        pytest.approx(0.6),
    )


def test_csv_shows_a_method_without_a_run():
    boards = leaderboard(comparable([cell("standard", 0, 0.5), cell("diagen", 0, 0.5, shots=8)]))
    lines = list(csv.DictReader(io.StringIO(write(boards, "csv"))))
    (line,) = (line for line in lines if line["method"] == "diagen" and line["shots"] == "4")
    assert (line["missing_seeds"], line["seeds"], line["metric"], line["mean"]) == ("0", "", "", "")


def test_json_holds_everything():
    found = board(STANDARD + DIAGEN)
    first, second = json.loads(write([found], "json"))
    assert (first["dataset"], first["shots"], first["ranked_by"]) == ("mini_focus", 4, UNCOMMON)
    assert (first["label"], first["method"], second["method"]) == ("diagen", "diagen", "standard")
    score = first["metrics"][UNCOMMON]
    assert (score["n"], score["mean"], score["std"]) == (3, pytest.approx(0.7), pytest.approx(0.1))
    assert score["values"] == {"0": 0.8, "1": 0.7, "2": 0.6}
    assert score["interval_over_seeds"] == list(found.rows[0].scores[UNCOMMON].over_seeds or ())
    pairs = [[(pair["first"], pair["second"]) for pair in row["comparisons"]] for row in (first, second)]
    assert pairs == [[("diagen", "standard")] * 2] * 2


ODD = (
    "a|b",
    r"a\|b",
    "_a_",
    "x & <b>y</b>",
    "50% of $x^2$ {y} ~ #1",
    "[0] first",
    "*star*",
    'quoted, "so"',
    "日本語 🎈",
    "a\nb\x1b[31m",
    "long " * 60,
)


@pytest.mark.parametrize("name", ODD)
def test_odd_names_keep_every_format_whole(name: str):
    boards = [board([cell(name, 0, 0.5), cell("standard", 0, 0.6)])]
    texts = {style: write(boards, style) for style in FORMATS}
    assert json.loads(texts["json"])[1]["label"] == name
    assert {line["method"] for line in csv.DictReader(io.StringIO(texts["csv"]))} == {name, "standard"}
    rows = [line for line in texts["markdown"].splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {line.replace(r"\|", "").count("|") for line in rows} == {10}
    assert "\x1b" not in texts["table"] + texts["markdown"] + texts["latex"]
    assert max(map(len, texts["table"].splitlines())) <= 120


def test_names_below_a_table_are_escaped_too():
    found = board([cell("standard", 0, 0.5), cell("standard", 1, 0.5), cell("a_b|*c", 0, 0.4)])
    assert r"missing: a\_b\textbar{}*c, seed 1" in write([found], "latex")
    assert r"- missing: a_b\|\*c, seed 1" in write([found], "markdown")


def test_markdown_names_are_what_they_were():
    assert escape_markdown("da_fusion [noise]") == "da_fusion [noise]"
    assert escape_markdown("_a_ *b* `c` <d> & [e](f)") == r"\_a\_ \*b\* \`c\` &lt;d&gt; &amp; [e]\(f)"
    assert escape_markdown(r"a\|b") == r"a&#92;\|b"


def test_latex_has_no_glyph_for_a_balloon_and_takes_no_name_for_an_argument():
    assert escape_latex("🎈 <|> é") == r"U+1F388 \textless{}\textbar{}\textgreater{} é"
    assert latex([["method"], ["[0]"]]).splitlines()[4] == r"{}[0] \\"


def test_plain_columns_line_up_under_invisible_marks():
    lines = plain([["m", "x"], ["❤️", "1.0"]]).splitlines()
    assert lines[2] == "❤️  1.0"


def test_an_unknown_format_is_refused_before_heavy_libraries_are_loaded():
    with pytest.raises(UserError, match="markdown"):
        check_format("markdwn")
    program = (
        "import sys, benchmark.leaderboard_formats; print({'scipy', 'pandas', 'mlflow', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
