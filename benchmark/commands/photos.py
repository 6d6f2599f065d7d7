"""The command for who has photos and wants more of them: `augment`."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.commands.app import EPILOG, app
from benchmark.options import Components, FetchOnly, Overrides, Plugins, Preset
from benchmark.setting_checks import split_overrides
from benchmark.settings import resolve_settings
from datasets.errors import UserError
from datasets.home import path_of


@app.command(epilog=EPILOG)
def augment(
    data_root: Annotated[
        str,
        typer.Option(
            help="Folder that contains one folder of photos per class. Default: the environment variable DIAGEN_DATA."
        ),
    ] = "",
    method: Annotated[str, typer.Option(help="Name of a method; see `list methods`.")] = "diagen",
    components: Components = "",
    preset: Preset = "paper",
    seed: Annotated[str, typer.Option(help="Seed of the images; another seed gives other images.")] = "0",
    plugins: Plugins = "",
    overrides: Overrides = None,
    out: Annotated[str, typer.Option(help="Folder to create; it must not exist, or be empty.")] = "augmented",
    fetch_only: FetchOnly = False,
) -> None:
    """Make more training images from your own photos.

    Uses all photos: learns a word for each class from them, generates images from each photo, and gives each image a
    quality weight. One class with one photo is enough. No classifier is trained on the result and nothing is measured;
    to find out whether the images help, use `run --dataset imagefolder`. If the folder is divided into train/ and val/
    or test/, the photos in train/ are augmented, and those in val/ calibrate the weights.

    Writes one folder per class, as torchvision's ImageFolder reads it: copies of the photos and, for a photo.jpg, the
    images photo_1.png, photo_2.png and so on. provenance.csv lists photo, prompt, noise, seed and weight of each image.
    After an interruption the same command does the rest.

    Example, with a key in OPENAI_API_KEY: `augment --data-root ~/photos --out ~/more_photos`. Without a key, and with
    five images per photo: `augment --data-root ~/photos --set "prompts.source=template diagen.images_per_example=5"`.
    """
    from benchmark.augment import augment as augment_photos
    from benchmark.augment import fetch_to_augment
    from benchmark.plugins import load_plugins
    from benchmark.progress import Stages

    load_plugins(plugins)
    settings = resolve_settings(
        method=method,
        dataset="imagefolder",
        data_root=data_root,
        seeds=seed,
        preset=preset,
        components=components,
        plugins=plugins,
        overrides=split_overrides(overrides or ()),
    )
    if len(settings.seeds) > 1:
        raise UserError(f"--seed {seed}: give a single seed")
    work = fetch_to_augment if fetch_only else augment_photos
    work(settings, path_of(out), Stages())
