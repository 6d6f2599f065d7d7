"""The command line that the commands belong to."""

from __future__ import annotations

import typer

EPILOG = (
    "Exit codes: 0 success, 2 a mistake in what was asked (one line says which), 130 interrupted "
    "(what was finished is kept: the same command does the rest), 1 anything else."
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "What a generative augmentation method does for a few-shot classifier: accuracy on common and uncommon "
        "settings, precision and recall of its images, what it cost. Start with `run`, compare with `leaderboard`."
    ),
    epilog=EPILOG,
)
