"""`python -m benchmark`."""

import sys

try:
    from benchmark.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed for {sys.executable}: `make install`, then `. .venv/bin/activate`")

sys.exit(main())
