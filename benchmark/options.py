"""Command-line options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Dataset = Annotated[str, typer.Option(help="Name of a dataset; see `list datasets`.")]
Shots = Annotated[str, typer.Option(help="Real training images per class: one number or several, such as 4 or 2,4,8.")]
Seeds = Annotated[str, typer.Option(help="Seeds that select the real images: one or several, such as 0 or 0,1,2.")]
Preset = Annotated[
    str,
    typer.Option(
        help="mini (everything embedded, for a CPU), paper (for a GPU), or the path of a YAML file of settings."
    ),
]
Protocol = Annotated[
    str,
    typer.Option(
        help="paper, or as_released: follow the published code where it differs from the paper (docs/protocol.md)."
    ),
]
SplitFile = Annotated[
    str,
    typer.Option(
        help="Files written by `split`, separated by commas: use exactly their images, shots and seeds, in place of "
        "--shots and --seeds."
    ),
]
Out = Annotated[str, typer.Option(help="Folder for the output files; created if it does not exist.")]
Components = Annotated[
    str, typer.Option(help="Which of the method's components are on: all (default), none, or a list: noise,prompts.")
]
DataRoot = Annotated[
    str,
    typer.Option(
        help="Folder that contains the datasets' folders; for imagefolder, the folder that contains the class folders "
        "(or train/ and test/). Default: the environment variable DIAGEN_DATA."
    ),
]
Plugins = Annotated[
    str, typer.Option(help="Python files that register methods, datasets or backbones, separated by commas.")
]
FetchOnly = Annotated[
    bool,
    typer.Option(
        "--fetch-only",
        help="Run nothing; only fetch what the runs need from the network, for use on a node without one: the "
        "checkpoint (into HF_HOME), backbones (TORCH_HOME) and prompts written by a language model (DIAGEN_STORE). "
        "Needs no GPU.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Run nothing; only count what is left to do and estimate the time.")
]
RatesFile = Annotated[
    str,
    typer.Option(
        help="With --dry-run: compute hours from the speeds in this file, which `python -m benchmarks_perf --save` "
        "writes; benchmarks_perf/h100.json has those of an H100."
    ),
]
OnlyDataset = Annotated[str, typer.Option("--dataset", help="Only runs on this dataset.")]
OnlyShots = Annotated[str, typer.Option("--shots", help="Only runs with these numbers of shots, such as 2,4,8.")]
OnlyMethods = Annotated[
    str,
    typer.Option(
        "--methods",
        help="Only these methods, each as its preset defines it: runs with components switched off are left out, and "
        "runs with changed settings count only for a method that has no other runs. p-values are corrected for the "
        "comparisons among these methods only.",
    ),
]
OnlyPreset = Annotated[str, typer.Option("--preset", help="Only runs with this preset: its name, or its file.")]
OnlyProtocol = Annotated[str, typer.Option("--protocol", help="Only runs with this protocol: its name, or its file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change any setting, such as diagen.strength=0.5; `list settings` shows all. May be repeated.",
    ),
]
