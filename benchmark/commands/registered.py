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
    preset: Annotated[str, typer.Option(help="Of `list settings`: the preset whose defaults are shown; mini.")] = "",
    dataset: Annotated[
        str, typer.Option(help="Of `list settings`: the dataset on which they are the defaults; mini_focus.")
    ] = "",
) -> None:
    """What is registered, with titles and sources, and what `--set` reaches, with defaults and meanings."""
    from benchmark.listing import listing
    from benchmark.plugins import load_plugins

    load_plugins(plugins)
    typer.echo(listing(what, preset, dataset))
