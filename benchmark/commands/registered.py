"""The command that tells what there is: `list`."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.commands.app import EPILOG, app
from benchmark.options import Plugins


@app.command("list", epilog=EPILOG)
def list_(
    what: Annotated[
        str, typer.Argument(help="methods, datasets, backbones, features, presets, protocols or settings.")
    ],
    plugins: Plugins = "",
    preset: Annotated[
        str, typer.Option(help="With `list settings`: show the defaults of this preset. Default: mini.")
    ] = "",
    dataset: Annotated[
        str, typer.Option(help="With `list settings`: show the defaults for this dataset. Default: mini_focus.")
    ] = "",
) -> None:
    """List what is registered, or every setting.

    Methods, datasets and so on are listed with their titles and sources. `list settings` shows every setting that
    `--set` can change, with its default and meaning.
    """
    from benchmark.listing import listing
    from benchmark.plugins import load_plugins

    load_plugins(plugins)
    typer.echo(listing(what, preset, dataset))
