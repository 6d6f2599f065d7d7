"""`python -m benchmark`."""

import os
import sys

try:
    from benchmark.cli import INTERRUPTED, main
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed for {sys.executable}: `make install`, then `. .venv/bin/activate`")

code = main()
if code == INTERRUPTED:
    # Threads that are still at work are not waited for, which may take minutes: what is kept is whole, or not there.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.exit(code)
