"""The command for who has photos and wants more of them: `augment`."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.commands.app import EPILOG, app
from benchmark.options import Components, Overrides, Plugins, Preset
from benchmark.setting_checks import split_overrides
from benchmark.settings import resolve_settings
from datasets.errors import UserError
from datasets.home import path_of


@app.command(epilog=EPILOG)
def augment(
    data_root: Annotated[
        str,
        typer.Option(
            help="Folder that holds a folder of photos for each class. Default: the environment variable DIAGEN_DATA."
        ),
    ] = "",
    method: Annotated[str, typer.Option(help="A method's name; see `list methods`.")] = "diagen",
    components: Components = "",
    preset: Preset = "paper",
    seed: Annotated[str, typer.Option(help="Another one draws other images.")] = "0",
    plugins: Plugins = "",
    overrides: Overrides = None,
    out: Annotated[str, typer.Option(help="Folder to make; it must not be there, or be empty.")] = "augmented",
) -> None:
    """Your own photos, all of them, and the images that a method makes of each, as a folder to train on.

    Learns a word for each class from its photos, draws images of each photo and weighs them; trains and measures
    nothing else: what the images are worth, `run --dataset imagefolder` says. One class of one photo will do. Where the
    folder holds train/ and val/ or test/, photos of train/ are augmented, and those of val/ calibrate the weights.

    A folder per class, as torchvision's ImageFolder reads it: copies of the photos, and of photo.jpg the images
    photo_1.png, photo_2.png …; provenance.csv has photo, prompt, noise, seed and weight of each. After a stop the same
    command does the rest.

    Examples: `augment --data-root ~/photos --out ~/more_photos`, with a key in OPENAI_API_KEY; without, and five images
    of each photo: `augment --data-root ~/photos --set "prompts.source=template diagen.images_per_example=5"`.
    """
    from benchmark.augment import augment as augment_photos
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
        raise UserError(f"--seed {seed}: images are drawn with one")
    augment_photos(settings, path_of(out), Stages())
