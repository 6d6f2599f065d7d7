"""The page: its content, laid out by a template, in one self-contained file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.leaderboard import Board, leaderboard
from benchmark.records import as_text, name_and_settings
from benchmark.report_page.content import PageContent
from benchmark.report_page.explorer import gallery
from benchmark.report_page.figures import figures
from benchmark.report_page.provenance import ended_at, provenance
from benchmark.report_page.summary import summarise
from benchmark.report_page.tables import tables
from benchmark.selection import Group
from benchmark.text_file import write_text
from datasets.plurals import counted

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent
NAME = "report.html"
SCRIPTS = ("leaderboard.js", "explorer.js")


def write_report(groups: Sequence[Group], folder: Path) -> Path:
    """Write `folder/report.html`, whole or not at all; equal groups give equal bytes.

    Raises:
        UserError: there is no group, that is, no finished run, or the folder cannot be written to.
    """
    return write_text(folder / NAME, render(page_content(groups)))


def page_content(groups: Sequence[Group]) -> PageContent:
    """What the page shows of these groups.

    Raises:
        UserError: there is no group.
    """
    boards = leaderboard(groups)
    return PageContent(
        subtitle=_subtitle(groups),
        summaries=tuple(summarise(group, _boards_of(group, boards)) for group in groups),
        tables=tables(boards),
        figures=figures(groups),
        gallery=gallery(groups),
        provenance=provenance(groups),
    )


def _boards_of(group: Group, boards: Sequence[Board]) -> list[Board]:
    return [board for board in boards if board.key == group.key]


def render(content: PageContent) -> str:
    """The page as HTML. Its policy allows only its own script and style and the images within it; it loads nothing."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["with_code"] = with_code
    environment.filters["parted"] = parted
    style = (HERE / "report.css").read_text(encoding="utf-8")
    script = "".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    template = environment.get_template("report.html.jinja")
    return template.render(content=content, style=style, script=script, policy=_policy(style, script)) + "\n"


def with_code(text: str) -> Markup:
    """The text, escaped, with the parts between backticks as code."""
    from markupsafe import Markup, escape

    parts = [
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def parted(label: str) -> tuple[str, str]:
    """A method's label in two parts: its name with components, and its settings, shown smaller as they may be many."""
    name, settings = name_and_settings(label)
    return name, as_text(settings)


def _policy(style: str, script: str) -> str:
    """A content security policy that allows the style and the script by their digests."""
    rules: Mapping[str, str] = {
        "default-src": "'none'",
        "img-src": "data: blob:",
        "style-src": f"'sha256-{_digest(style)}'",
        "script-src": f"'sha256-{_digest(script)}'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _subtitle(groups: Sequence[Group]) -> str:
    records = [record for group in groups for record in group.records]
    datasets = ", ".join(sorted({group.dataset for group in groups}))
    methods = len({label for group in groups for label in group.labels})
    amount = f"{counted(methods, 'method')}, {counted(len(records), 'run')}"
    return f"{datasets} · {amount} · the latest ended {ended_at(max(record.ended for record in records))}"
