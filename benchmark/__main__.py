"""`python -m benchmark`."""

import os
import sys

from benchmark.interrupted import INTERRUPTED, STOPPED

try:
    from benchmark.cli import main

    code = main()
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed for {sys.executable}: `make install`, then `. .venv/bin/activate`")
except KeyboardInterrupt:  # while modules were imported: later ones `main` catches
    print(STOPPED, file=sys.stderr)  # noqa: T201
    code = INTERRUPTED

if code == INTERRUPTED:
    # Threads that are still at work are not waited for, which may take minutes: what is kept is whole, or not there.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.exit(code)
