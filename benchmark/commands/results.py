"""Commands that tell what came of runs: `leaderboard`, `report`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.app import EPILOG, app
from benchmark.commands.chosen import tracked_groups
from benchmark.options import OnlyDataset, OnlyMethods, OnlyPreset, OnlyProtocol, OnlyShots, Out, Plugins
from datasets.home import path_of


@app.command(epilog=EPILOG)
def leaderboard(
    style: Annotated[str, typer.Option("--format", help="table, markdown, latex, csv or json.")] = "table",
    dataset: OnlyDataset = "",
    shots: OnlyShots = "",
    methods: OnlyMethods = "",
    preset: OnlyPreset = "",
    protocol: OnlyProtocol = "",
) -> None:
    """Rank the methods over all finished runs.

    Shows means with 95% intervals, costs, and which differences between methods are significant.
    """
    from benchmark.leaderboard import leaderboard as rank
    from benchmark.leaderboard_formats import check_format, write
    from benchmark.plugins import load_plugins
    from benchmark.tracking import open_existing_tracker

    check_format(style)
    load_plugins()
    typer.echo(write(rank(tracked_groups(open_existing_tracker(), dataset, preset, protocol, shots, methods)), style))


@app.command(epilog=EPILOG)
def report(
    only: Annotated[
        str, typer.Option(help="Write only this part: leaderboard, table1, figures or page. Default: all of them.")
    ] = "",
    dataset: OnlyDataset = "",
    shots: OnlyShots = "",
    methods: OnlyMethods = "",
    preset: OnlyPreset = "",
    protocol: OnlyProtocol = "",
    out: Out = "reports",
) -> None:
    """Write leaderboard, Table 1, figures and report page.

    They are made from the tracked runs and logged to MLflow. The page, report.html, is a single file that needs no
    network: open it, or send it to somebody.
    """
    from benchmark.plugins import load_plugins
    from benchmark.report import check_request, write_parts
    from benchmark.tracking import LEVEL, REPORT, open_existing_tracker

    load_plugins()
    tracker = open_existing_tracker()
    groups = tracked_groups(tracker, dataset, preset, protocol, shots, methods)
    check_request(groups, only)
    folder = path_of(out)
    with tracker.run("report", {LEVEL: REPORT}) as run:
        for part in write_parts(groups, folder, only):
            typer.echo(part, err=not isinstance(part, Path))
            if isinstance(part, Path):
                run.log_file(part, part.relative_to(folder).parent.as_posix())


@app.command(epilog=EPILOG)
def export(
    run: Annotated[
        str,
        typer.Option(
            help="Id of the run, as MLflow shows it: that of a child run (one number of shots, one seed), or that of "
            "its parent if it has no other. Default: the latest finished run with synthetic images."
        ),
    ] = "",
    dataset: OnlyDataset = "",
    method: Annotated[str, typer.Option(help="Only runs of this method.")] = "",
    data_root: Annotated[
        str, typer.Option(help="Where the real photos are now. Default: where they were when the run read them.")
    ] = "",
    plugins: Plugins = "",
    out: Annotated[str, typer.Option(help="Folder to create; it must not exist, or be empty.")] = "augmented",
) -> None:
    """Write a run's images as a folder to train on.

    Writes one folder per class, as torchvision's ImageFolder and the dataset imagefolder read it. It contains copies of
    the real photos that the run was trained on, under their own names, and the images made from each: `<photo>_1.png`,
    `<photo>_2.png` and so on. Photos that torchvision would skip, or would read differently from the run (rotated, for
    example), are written as PNG. provenance.csv has a line for each image: file, real or synthetic, class, photo,
    prompt, noise, strength, guidance scale, steps, seed, weight (1 for a real one), run and method.

    If a photo is no longer there or has changed, no real photos are written, only the synthetic images, and a line says
    why.

    Examples: `export`; `export --run 6f0c… --out ~/more_photos`.
    """
    from benchmark.augmented_folder import contents, refuse_unwritable
    from benchmark.chosen_cell import choose_cell
    from benchmark.export import export_cell
    from benchmark.plugins import load_plugins
    from benchmark.store import Store
    from benchmark.tracking import open_existing_tracker

    folder = path_of(out)
    refuse_unwritable(folder)
    load_plugins(plugins)
    cell = choose_cell(open_existing_tracker().cells(), run, dataset, method)
    done = export_cell(cell, Store(), folder, data_root)
    if done.without_photos:
        typer.echo(f"written without the real photos: {done.without_photos}", err=True)
    typer.echo(f"{cell.title} (run {cell.run})")
    typer.echo(contents(folder, done.real, done.synthetic))
