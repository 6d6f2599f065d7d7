"""The commands of `python -m benchmark COMMAND`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.options import (
    Components,
    DataRoot,
    Dataset,
    OnlyDataset,
    OnlyMethods,
    OnlyPreset,
    OnlyProtocol,
    OnlyShots,
    Out,
    Overrides,
    Plugins,
    Preset,
    Protocol,
    Seeds,
    Shots,
    SplitFile,
)
from benchmark.setting_checks import split_overrides
from benchmark.settings import RunSettings, resolve_settings
from datasets.errors import UserError

if TYPE_CHECKING:
    from benchmark.selection import Group
    from benchmark.tracking import Tracker

EPILOG = (
    "Exit codes: 0 success, 2 a mistake in what was asked (one line says which), 130 interrupted "
    "(what was finished is kept: the same command does the rest), 1 anything else."
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "What a generative augmentation method does for a few-shot classifier: accuracy on common and uncommon "
        "settings, precision and recall of its images, what it cost. Start with `run`, compare with `leaderboard`."
    ),
    epilog=EPILOG,
)


@app.command(epilog=EPILOG)
def run(
    method: Annotated[str, typer.Option(help="A method's name; see `list methods`.")] = "diagen",
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
) -> None:
    """One method on one dataset: a tracked run with a child run for each number of shots and each seed.

    What an earlier run learned, made and computed is kept in the store (DIAGEN_STORE, default ./store) and not
    made again: after a stop the same command does the rest.

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
        overrides=split_overrides(overrides or ()),
    )
    _run(settings)


@app.command(epilog=EPILOG)
def sweep(
    methods: Annotated[str, typer.Option(help="Methods, separated by commas.")] = "standard,da_fusion,diagen",
    datasets: Annotated[str, typer.Option(help="Datasets, separated by commas.")] = "mini_focus",
    shots: Shots = "4",
    seeds: Seeds = "0,1,2",
    preset: Preset = "mini",
    protocol: Protocol = "paper",
    components: Components = "",
    data_root: DataRoot = "",
    split_file: SplitFile = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what is to be done.")] = False,
    rates: Annotated[
        str, typer.Option(help="With --dry-run: hours by the rates in this file of `python -m benchmarks_perf --save`.")
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="Run finished cells again.")] = False,
) -> None:
    """Every method on every dataset, shots and seed; cells that are finished with the same settings are skipped.

    `--components` applies to the methods that have components.
    """
    from benchmark.plugins import load_plugins
    from benchmark.rates import read_rates
    from benchmark.sweep import count_grid, run_grid

    if rates and not dry_run:
        raise UserError("--rates says how long a sweep would take: it goes with --dry-run")
    measured = read_rates(Path(rates)) if rates else None
    load_plugins(plugins)
    texts = split_overrides(overrides or ())
    grid = [
        resolve_settings(
            method=method,
            dataset=dataset,
            data_root=data_root,
            shots=shots,
            seeds=seeds,
            preset=preset,
            protocol=protocol,
            components=_components_for(method, components),
            split_files=split_file,
            overrides=texts,
        )
        for dataset in _names("datasets", datasets)
        for method in _names("methods", methods)
    ]
    if dry_run:
        count_grid(grid, again, measured)
    else:
        run_grid(grid, again)


@app.command(epilog=EPILOG)
def ablation(
    what: Annotated[
        str,
        typer.Option(help="components, strength, guidance, noise, alpha, images_per_example or same_hyperparameters."),
    ] = "components",
    dataset: Dataset = "mini_focus",
    shots: Shots = "4",
    seeds: Seeds = "0,1,2",
    values: Annotated[str, typer.Option(help="Values to try, separated by commas, in place of the usual ones.")] = "",
    preset: Preset = "mini",
    protocol: Protocol = "paper",
    data_root: DataRoot = "",
    plugins: Plugins = "",
    overrides: Overrides = None,
    out: Out = "reports",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what is to be done.")] = False,
) -> None:
    """Run what an ablation compares and is not there yet, then draw its figure.

    Runs share learned words, prompts and images where they can: each is made once.
    """
    from benchmark.ablation import ablation_grid, parse_values
    from benchmark.plugins import load_plugins
    from benchmark.sweep import count_grid, run_grid

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
    )
    if dry_run:
        count_grid(grid)
    else:
        run_grid(grid)
        _draw(what, dataset, preset, protocol, Path(out))


@app.command(epilog=EPILOG)
def leaderboard(
    style: Annotated[str, typer.Option("--format", help="table, markdown, latex, csv or json.")] = "table",
    dataset: OnlyDataset = "",
    shots: OnlyShots = "",
    methods: OnlyMethods = "",
    preset: OnlyPreset = "",
    protocol: OnlyProtocol = "",
) -> None:
    """Rank the methods over all finished runs: means with intervals, costs, and which differences hold."""
    from benchmark.leaderboard import leaderboard as rank
    from benchmark.leaderboard_formats import check_format, write
    from benchmark.plugins import load_plugins
    from benchmark.tracking import Tracker

    check_format(style)
    load_plugins()
    typer.echo(write(rank(_comparable(Tracker(), dataset, preset, protocol, shots, methods)), style))


@app.command(epilog=EPILOG)
def report(
    only: Annotated[str, typer.Option(help="leaderboard, table1, figures or page; empty: all of them.")] = "",
    dataset: OnlyDataset = "",
    shots: OnlyShots = "",
    methods: OnlyMethods = "",
    preset: OnlyPreset = "",
    protocol: OnlyProtocol = "",
    out: Out = "reports",
) -> None:
    """Write the leaderboard, Table 1, the figures and report.html from the tracked runs, and log them to MLflow.

    The page is one file that needs no network: open it, or send it to somebody.
    """
    from benchmark.plugins import load_plugins
    from benchmark.report import check_request, write_parts
    from benchmark.tracking import LEVEL, REPORT, Tracker

    load_plugins()
    tracker = Tracker()
    groups = _comparable(tracker, dataset, preset, protocol, shots, methods)
    check_request(groups, only)
    with tracker.run("report", {LEVEL: REPORT}) as run:
        for part in write_parts(groups, Path(out), only):
            typer.echo(part)
            if isinstance(part, Path):
                run.log_file(part, part.relative_to(out).parent.as_posix())


@app.command(epilog=EPILOG)
def export(
    run: Annotated[
        str,
        typer.Option(
            help="Id of the run, as MLflow shows it: of one number of shots and seed, or of its parent. Default: the "
            "latest finished one that has synthetic images."
        ),
    ] = "",
    dataset: OnlyDataset = "",
    method: Annotated[str, typer.Option(help="Runs of this method alone.")] = "",
    data_root: Annotated[
        str, typer.Option(help="Where the real photos lie now; default: where they lay when the run read them.")
    ] = "",
    plugins: Plugins = "",
    out: Annotated[str, typer.Option(help="Folder to make; it must not be there, or be empty.")] = "augmented",
) -> None:
    """Write the images that a run made, and the real ones that it was trained on, into a folder to train on.

    A folder per class, as torchvision's ImageFolder and the dataset imagefolder read them. In it lie copies of the real
    photos under their own names and `<photo>_1.png`, `<photo>_2.png` … that were made from each. provenance.csv has a
    line for each image: file, real or synthetic, class, photo, prompt, noise, strength, guidance scale, steps, seed,
    weight (1 for a real one), run and method.

    Photos that are no longer there, or changed, are left out, and a line says why.

    Examples: `export`; `export --run 6f0c… --out ~/more_photos`.
    """
    from benchmark.chosen_cell import choose_cell, described
    from benchmark.export import PROVENANCE, export_cell, refuse_filled
    from benchmark.plugins import load_plugins
    from benchmark.store import Store
    from benchmark.tracking import Tracker

    folder = Path(out)
    refuse_filled(folder)
    load_plugins(plugins)
    cell = choose_cell(Tracker().cells(), run, dataset, method)
    done = export_cell(cell, Store(), folder, data_root)
    if done.without_photos:
        typer.echo(f"without the real photos: {done.without_photos}", err=True)
    typer.echo(f"{described(cell)} (run {cell.run})")
    typer.echo(
        f"{folder}: {done.real} real and {done.synthetic} synthetic images; {PROVENANCE} says where each is from"
    )


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
    for path in write_splits(settings, Path(out)):
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
    (verify_dataset if verify else prepare_dataset)(dataset, data_root, split_overrides(overrides or ()))


@app.command("list", epilog=EPILOG)
def list_(
    what: Annotated[
        str, typer.Argument(help="methods, datasets, backbones, features, presets, protocols or settings.")
    ],
    plugins: Plugins = "",
    preset: Annotated[str, typer.Option(help="Of `list settings`: the preset whose defaults are shown; mini.")] = "",
) -> None:
    """What is registered, with titles and sources, and what `--set` reaches, with defaults and meanings."""
    from benchmark.listing import listing
    from benchmark.plugins import load_plugins

    load_plugins(plugins)
    typer.echo(listing(what, preset))


def _draw(what: str, dataset: str, preset: str, protocol: str, folder: Path) -> None:
    from benchmark.figures import OF_ABLATION, save_group_figures
    from benchmark.tracking import Tracker

    groups = _comparable(Tracker(), dataset, preset, protocol)
    outcomes = save_group_figures(groups, folder / "figures", OF_ABLATION[what])
    for path in (path for outcome in outcomes for path in outcome.files.values()):
        typer.echo(path)
    missing = [outcome.missing for outcome in outcomes if outcome.missing]
    if missing:
        raise UserError("; ".join(missing))


def _comparable(
    tracker: Tracker, dataset: str, preset: str, protocol: str, shots: str = "", methods: str = ""
) -> list[Group]:
    from benchmark.selection import comparable, nothing_chosen
    from benchmark.setting_checks import parse_numbers
    from methods.base import METHODS

    chosen = parse_numbers("shots", shots, minimum=1) if shots else ()
    names = _names("methods", methods) if methods else []
    for name in names:
        METHODS[name]  # an unknown one is refused, with the known ones
    cells = tracker.cells()
    groups = comparable(cells, dataset, preset, chosen, protocol, names)
    if not groups and (tracked := comparable(cells)):
        raise nothing_chosen(tracked, dataset, preset, protocol, names)
    return groups


def _run(settings: RunSettings) -> None:
    from benchmark.progress import Stages
    from benchmark.runner import prepare, run_job
    from benchmark.sweep import open_tracker

    job = prepare(settings)
    run_job(job, open_tracker(), Stages())


def _names(what: str, text: str) -> list[str]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UserError(f"--{what} is empty: name at least one")
    return list(dict.fromkeys(names))


def _components_for(method: str, components: str) -> str:
    from methods.base import METHODS

    return components if METHODS[method].components else ""
