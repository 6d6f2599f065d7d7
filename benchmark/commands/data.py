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
    dataset: Annotated[str, typer.Argument(help="Name of a dataset; see `list datasets`.")],
    shots: Shots = "4",
    seeds: Seeds = "0",
    out: Out = "splits",
    data_root: DataRoot = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
) -> None:
    """Write down the exact images of each task, to replay it.

    A task is one number of shots with one seed. Each gets its own file, which lists path, SHA-256, split and label of
    every image. `run --split-file` replays such a file, here or elsewhere: it uses the same images, checked by their
    content, or stops with an error that names the first one that differs.
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
    dataset: Annotated[str, typer.Argument(help="Name of a dataset; see `list datasets`.")],
    data_root: DataRoot = "",
    plugins: Plugins = "",
    verify: Annotated[
        bool, typer.Option("--verify", help="Download nothing; only check the files that are there.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Download a dataset, or say what to place where.

    Then verify every file. An interrupted download continues where it stopped, and what is already there is not
    fetched again. `--set` takes the dataset's settings, as `run` does: `prepare imagefolder --set
    imagefolder.train_pool=2`.
    """
    from benchmark.plugins import load_plugins
    from benchmark.prepare import prepare_dataset, verify_dataset

    load_plugins(plugins)
    (verify_dataset if verify else prepare_dataset)(dataset, data_root, split_overrides(overrides or ()), plugins)
