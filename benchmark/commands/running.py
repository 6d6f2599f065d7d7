"""Commands that run methods: `run`, `sweep`, `ablation`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.app import EPILOG, app
from benchmark.commands.chosen import names_in, tracked_groups
from benchmark.options import (
    Components,
    DataRoot,
    Dataset,
    DryRun,
    FetchOnly,
    Out,
    Overrides,
    Plugins,
    Preset,
    Protocol,
    RatesFile,
    Seeds,
    Shots,
    SplitFile,
)
from benchmark.setting_checks import split_overrides
from benchmark.settings import RunSettings, resolve_settings
from datasets.errors import UserError
from datasets.home import path_of

if TYPE_CHECKING:
    from benchmark.rates import Rates


@app.command(epilog=EPILOG)
def run(
    method: Annotated[str, typer.Option(help="Name of a method; see `list methods`.")] = "diagen",
    dataset: Dataset = "mini_focus",
    shots: Shots = "4",
    seeds: Seeds = "0",
    preset: Preset = "mini",
    protocol: Protocol = "paper",
    components: Components = "",
    data_root: DataRoot = "",
    split_file: SplitFile = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
    fetch_only: FetchOnly = False,
) -> None:
    """Run one method on one dataset, tracked in MLflow.

    MLflow gets one run, with a child run (a cell) for each number of shots and each seed. What was learned, generated
    and computed is kept in the store (DIAGEN_STORE, default ./store) and reused, so that after an interruption the same
    command does the rest. The first cell that fails ends the run.

    Examples: `run --method diagen`; `run --method standard --dataset custom_coco --data-root ~/data --shots 2,4,8`.
    """
    from benchmark.plugins import load_plugins

    load_plugins(plugins)
    settings = resolve_settings(
        method=method,
        dataset=dataset,
        data_root=data_root,
        shots=shots,
        seeds=seeds,
        preset=preset,
        protocol=protocol,
        components=components,
        split_files=split_file,
        plugins=plugins,
        overrides=split_overrides(overrides or ()),
    )
    if fetch_only:
        _fetch([settings])
    else:
        _run(settings)


@app.command(epilog=EPILOG)
def sweep(
    methods: Annotated[str, typer.Option(help="Names of methods, separated by commas.")] = "standard,da_fusion,diagen",
    datasets: Annotated[
        str,
        typer.Option(help="Names of datasets, separated by commas. Default: those the preset names, or mini_focus."),
    ] = "",
    shots: Annotated[
        str,
        typer.Option(help="Real training images per class, such as 2,4,8. Default: those the preset names, or 4."),
    ] = "",
    seeds: Seeds = "0,1,2",
    preset: Preset = "mini",
    protocol: Protocol = "paper",
    components: Components = "",
    data_root: DataRoot = "",
    split_file: SplitFile = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
    dry_run: DryRun = False,
    rates: RatesFile = "",
    again: Annotated[bool, typer.Option("--again", help="Run all cells, including those that are finished.")] = False,
    fetch_only: FetchOnly = False,
) -> None:
    """Run a grid: all methods, datasets, shots and seeds.

    One cell is one method on one dataset with one number of shots and one seed. Cells that are already finished with
    the same settings are skipped. A cell that fails is reported in one line, at once and again at the end; the others
    still run, and the exit code is 1.

    `--preset paper` without further options is the paper's Table 1: FOCUS, Custom COCO and MS COCO with 2, 4 and 8
    shots. `--components` applies to those methods that have components.
    """
    from benchmark.plugins import load_plugins
    from benchmark.runner import every_cell, missing_cells
    from benchmark.setting_files import preset_grid
    from benchmark.sweep import count_grid, run_grid

    measured = _measured(rates, dry_run)
    load_plugins(plugins)
    named = {"datasets": "mini_focus", "shots": "4"} | preset_grid(preset)
    texts = split_overrides(overrides or ())
    grid = [
        resolve_settings(
            method=method,
            dataset=dataset,
            data_root=data_root,
            shots=shots or named["shots"],
            seeds=seeds,
            preset=preset,
            protocol=protocol,
            components=_components_for(method, components),
            split_files=split_file,
            plugins=plugins,
            overrides=texts,
        )
        for dataset in names_in("datasets", datasets or named["datasets"])
        for method in names_in("methods", methods)
    ]
    look = every_cell if again else missing_cells
    if dry_run:
        count_grid(grid, look, measured)
    elif fetch_only:
        _fetch(grid)
    else:
        run_grid(grid, look)


@app.command(epilog=EPILOG)
def ablation(
    what: Annotated[
        str,
        typer.Option(
            help="What to vary: components, strength, guidance, noise, alpha, images_per_example or "
            "same_hyperparameters."
        ),
    ] = "components",
    dataset: Dataset = "mini_focus",
    shots: Shots = "4",
    seeds: Seeds = "0,1,2",
    values: Annotated[str, typer.Option(help="Values to try, separated by commas, in place of the default ones.")] = "",
    preset: Preset = "mini",
    protocol: Protocol = "paper",
    data_root: DataRoot = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
    out: Out = "reports",
    dry_run: DryRun = False,
    rates: RatesFile = "",
    fetch_only: FetchOnly = False,
) -> None:
    """Run what an ablation still lacks, then draw its figure.

    Runs that can share learned words, prompts and images do so: each is made only once.
    """
    from benchmark.ablation import ablation_grid, parse_values
    from benchmark.plugins import load_plugins
    from benchmark.sweep import count_grid, run_grid

    folder, measured = path_of(out), _measured(rates, dry_run)
    load_plugins(plugins)
    grid = ablation_grid(
        what,
        parse_values(values),
        split_overrides(overrides or ()),
        dataset=dataset,
        data_root=data_root,
        shots=shots,
        seeds=seeds,
        preset=preset,
        protocol=protocol,
        plugins=plugins,
    )
    if dry_run:
        count_grid(grid, rates=measured)
    elif fetch_only:
        _fetch(grid)
    else:
        run_grid(grid)
        _draw(what, dataset, preset, protocol, folder)


def _run(settings: RunSettings) -> None:
    from benchmark.checks import check_access
    from benchmark.job import open_job
    from benchmark.progress import Stages
    from benchmark.runner import run_job
    from benchmark.tracking import open_tracker

    job = open_job(settings)
    check_access(settings, job.method)
    run_job(job, open_tracker(), Stages())


def _measured(rates: str, dry_run: bool) -> Rates | None:
    from benchmark.rates import read_rates

    if rates and not dry_run:
        raise UserError("--rates only serves to estimate how long runs would take: add --dry-run")
    return read_rates(path_of(rates)) if rates else None


def _fetch(grid: Sequence[RunSettings]) -> None:
    from benchmark.fetch import fetch_grid
    from benchmark.progress import Stages

    fetch_grid(grid, Stages())


def _components_for(method: str, components: str) -> str:
    from methods.base import METHODS

    return components if METHODS[method].components else ""


def _draw(what: str, dataset: str, preset: str, protocol: str, folder: Path) -> None:
    from benchmark.figures import OF_ABLATION, save_figures
    from benchmark.tracking import Tracker

    groups = tracked_groups(Tracker(), dataset, preset, protocol)
    outcomes = save_figures(groups, folder / "figures", OF_ABLATION[what])
    for path in (path for outcome in outcomes for path in outcome.files.values()):
        typer.echo(path)
    missing = [outcome.missing for outcome in outcomes if outcome.missing]
    if missing:
        raise UserError("; ".join(missing))
