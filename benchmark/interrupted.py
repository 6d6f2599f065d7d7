"""The exit code and message after Ctrl-C, in a module of their own that can be imported before any slow one."""

INTERRUPTED = 130
"""Exit code; the same as that of Typer, which catches the interrupt before `benchmark.cli` sees it."""

STOPPED = "stopped; finished work is kept, and the same command does the rest"
