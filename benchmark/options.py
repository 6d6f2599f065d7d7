"""The command line's options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Dataset = Annotated[str, typer.Option(help="A dataset's name; see `list datasets`.")]
Shots = Annotated[str, typer.Option(help="Real images per class, one number or several: 4 or 2,4,8.")]
Seeds = Annotated[str, typer.Option(help="Seeds that pick the real images: 0 or 0,1,2.")]
Preset = Annotated[str, typer.Option(help="mini (embedded, CPU), paper (GPU), or the path of a YAML file of settings.")]
Protocol = Annotated[
    str, typer.Option(help="paper, or as_released: what the published code does where it differs (docs/protocol.md).")
]
SplitFile = Annotated[
    str, typer.Option(help="Files of `split` to replay, separated by commas, in place of --shots and --seeds.")
]
Out = Annotated[str, typer.Option(help="Folder for the files; made where it is missing.")]
Components = Annotated[
    str, typer.Option(help="The method's parts that are on: all (default), none, or names such as noise,prompts.")
]
DataRoot = Annotated[
    str,
    typer.Option(
        help="Folder that holds the datasets' folders; for imagefolder the folder of the class folders. Default: the "
        "environment variable DIAGEN_DATA."
    ),
]
Plugins = Annotated[
    str, typer.Option(help="Python files that register methods, datasets or backbones, separated by commas.")
]
FetchOnly = Annotated[
    bool,
    typer.Option(
        "--fetch-only",
        help="Only get what it needs from the network, for nodes that have none: the checkpoint (into HF_HOME), "
        "backbones (TORCH_HOME), a language model's prompts (DIAGEN_STORE). Needs no GPU.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count what is to be done.")]
RatesFile = Annotated[
    str, typer.Option(help="With --dry-run: hours by the rates in this file of `python -m benchmarks_perf --save`.")
]
OnlyDataset = Annotated[str, typer.Option("--dataset", help="Runs on this dataset alone.")]
OnlyShots = Annotated[str, typer.Option("--shots", help="Runs of these shots alone: 2,4,8.")]
OnlyMethods = Annotated[
    str,
    typer.Option(
        "--methods",
        help="Of these methods alone, as they are: no switched components, and other settings only of a method that "
        "has no run without. The correction for many comparisons is over these.",
    ),
]
OnlyPreset = Annotated[str, typer.Option("--preset", help="Runs of this preset alone: its name, or its file.")]
OnlyProtocol = Annotated[str, typer.Option("--protocol", help="Runs of this protocol alone: its name, or its file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting: --set diagen.strength=0.5. May be repeated."),
]
