"""Commands about datasets: `split`, `prepare`."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.commands.app import EPILOG, app
from benchmark.options import DataRoot, Out, Overrides, Plugins, Seeds, Shots
from benchmark.setting_checks import split_overrides
from benchmark.settings import resolve_settings
from datasets.home import path_of


@app.command(epilog=EPILOG)
def split(
    dataset: Annotated[str, typer.Argument(help="A dataset's name; see `list datasets`.")],
    shots: Shots = "4",
    seeds: Seeds = "0",
    out: Out = "splits",
    data_root: DataRoot = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
) -> None:
    """Write the exact images of every (shots, seed): path, SHA-256, split and label, a file each.

    `run --split-file` replays them, here or elsewhere: the same images by content, or an error that names the first
    that differs.
    """
    from benchmark.plugins import load_plugins
    from benchmark.splits import write_splits

    load_plugins(plugins)
    settings = resolve_settings(
        method="standard",
        dataset=dataset,
        data_root=data_root,
        shots=shots,
        seeds=seeds,
        overrides=split_overrides(overrides or ()),
    )
    for path in write_splits(settings, path_of(out)):
        typer.echo(path)


@app.command(epilog=EPILOG)
def prepare(
    dataset: Annotated[str, typer.Argument(help="A dataset's name; see `list datasets`.")],
    data_root: DataRoot = "",
    plugins: Plugins = "",
    verify: Annotated[bool, typer.Option("--verify", help="Only look at what is there.")] = False,
    overrides: Overrides = None,
) -> None:
    """Download and unpack a dataset, or say what to place where; then verify every file.

    A download that was stopped goes on where it was; what is there already is not fetched again. `--set` takes the
    dataset's settings, as `run` does: `prepare imagefolder --set imagefolder.train_pool=2`.
    """
    from benchmark.plugins import load_plugins
    from benchmark.prepare import prepare_dataset, verify_dataset

    load_plugins(plugins)
    (verify_dataset if verify else prepare_dataset)(dataset, data_root, split_overrides(overrides or ()), plugins)
