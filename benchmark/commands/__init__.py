"""The commands of `python -m benchmark COMMAND`, imported in the order in which `--help` lists them."""

from benchmark.commands.app import app
from benchmark.commands.running import ablation, run, sweep  # isort: split

from benchmark.commands.results import export, leaderboard, report  # isort: split

from benchmark.commands.photos import augment  # isort: split

from benchmark.commands.data import prepare, split  # isort: split

from benchmark.commands.registered import list_

__all__ = ["ablation", "app", "augment", "export", "leaderboard", "list_", "prepare", "report", "run", "split", "sweep"]
