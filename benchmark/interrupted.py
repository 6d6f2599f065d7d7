"""What is returned and said after Ctrl-C: known before anything is imported that takes time to load."""

INTERRUPTED = 130
"""Exit code: Typer's own, which catches the interrupt before `benchmark.cli` sees it."""

STOPPED = "stopped; finished work is kept, and the same command does the rest"
