"""Commands suggested in figures add runs of what the report shows, not of another dataset."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from benchmark.commands import app
from benchmark.figures import FIGURES, MissingRuns
from tests.benchmark.figures.cells import cell, drawn, pictures

PHOTOS = {
    "dataset": "imagefolder",
    "preset": "photos (a1b2c3)",
    "protocol": "as_released",
    "overrides": "classifier.epochs=5 imagefolder.train_pool=12",
}
PARAMETERS = {"data_root": "/home/me/photos", "preset": "my presets/photos.yaml"}
OPTIONS = (
    "--dataset imagefolder --data-root DATA_ROOT --preset 'my presets/photos.yaml' --protocol as_released "
    "--set imagefolder.train_pool=12"
)


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("accuracy", "same_hyperparameters")])
def test_a_command_makes_runs_of_what_the_report_shows(name: str):
    """The command has only options that it accepts; a sweep takes `--datasets` where others take `--dataset`."""
    with pytest.raises(MissingRuns, match=r"` makes such runs$") as missing:
        drawn(name, cell("standard", parameters=PARAMETERS, **PHOTOS))
    (command,) = re.findall(r"`python -m benchmark (.*)`", str(missing.value))
    assert command.replace(" --datasets ", " --dataset ").endswith(f" {OPTIONS}")
    called, *arguments = shlex.split(command)
    typer.main.get_command(app).commands[called].make_context(called, arguments)  # fails on unknown options


def test_a_command_has_no_options_where_one_group_is_of_what_it_takes_by_itself():
    with pytest.raises(MissingRuns, match=r"`python -m benchmark ablation --what strength` makes such runs"):
        drawn("strength", cell(parameters=PARAMETERS, **PHOTOS), cell())


def test_the_captions_of_figures_that_lack_some_runs_name_them_too():
    differing = pictures({"cat": [{"prompt": "a"}, {"prompt": "b", "noise_std": 0.1}]})
    given = {"parameters": PARAMETERS, **PHOTOS}
    noise = drawn("noise", cell(**given, **differing), cell(**pictures({"cat": [{}]})))
    assert any(f"`python -m benchmark run --method diagen --components noise {OPTIONS}`" in n for n in noise.notes)
    records = [cell("da_fusion", **given), cell(components="noise", **given)]
    components = drawn("components", *records, cell("standard"))
    assert any(f"`python -m benchmark ablation --what components {OPTIONS}` runs them" in n for n in components.notes)
