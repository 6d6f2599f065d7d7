"""The command line that the commands belong to."""

from __future__ import annotations

import typer

EPILOG = (
    "Exit codes: 0 success; 2 a mistake in the command, its settings or its data (one line says what); 130 interrupted "
    "(finished work is kept, and the same command does the rest); 1 any other failure."
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Measures what a generative augmentation method does for a few-shot classifier: accuracy on common and "
        "uncommon settings, precision and recall of the generated images, and what they cost. Start with `run`, then "
        "compare methods with `leaderboard`."
    ),
    epilog=EPILOG,
)
